import DatasetScoring
import Files
import Memory
import WebService

/// What a file of the state directory holds that has the pictures of a part.
struct StoredPictures: Codable, Equatable, Sendable {
    let form: KeptPictures.Form
    /// The size of each picture, in bytes, in the order of the file.
    let sizes: [Int]
    let checksums: [Checksum]

    /// Writes pictures to a new file.
    ///
    /// - Parameters:
    ///   - pictures: Pictures in memory.
    ///   - path: The file's path, at which there is nothing yet.
    /// - Throws: ``FileError/system(operation:path:code:)``.
    init(_ pictures: KeptPictures, to path: String) throws(FileError) {
        guard let buffers = pictures.buffers else { preconditionFailure("pictures are written once") }
        checksums = try ArrayFile.write(buffers, to: path)
        (form, sizes) = (pictures.form, pictures.sizes)
    }

    /// Proves that a file holds what was written to it.
    ///
    /// - Throws: ``FileError``.
    func check(_ path: String) throws(FileError) { try ArrayFile.check(path, sizes, checksums) }

    /// Proves that a file is there, and as long as it was written.
    ///
    /// - Throws: ``FileError``.
    func find(_ path: String) throws(FileError) {
        guard try InputFile(path: path).byteCount >= ArrayFile.offsets(of: sizes).byteCount else {
            throw .endOfFile(path: path)
        }
    }

    /// The pictures in a file, each of which is proved to be what was written when it is read.
    func kept(at path: String) -> KeptPictures {
        let (offsets, _) = ArrayFile.offsets(of: sizes)
        return KeptPictures(form, sizes: sizes) { [sizes, checksums] (index) throws(Problem) in
            do throws(FileError) {
                let bytes = try FileError.wrapping { () throws(MemoryError) in
                    try Buffer<UInt8>(uninitialized: sizes[index])
                }
                var checksum = Checksum()
                let range = offsets[index]..<offsets[index] + sizes[index]
                try InputFile(path: path).read(range, through: bytes, or: { $0 }) { (bytes, _) throws(FileError) in
                    checksum.update(bytes)
                }
                guard checksum == checksums[index] else { throw .damaged(path: path) }
                return bytes
            } catch {
                throw .reading(error)
            }
        }
    }
}
