import Files
import HTTPTypes
import Memory
import Scoring
import Synchronization
import WebService

/// The files that the arrays of a folder's images are written to: `pixel_scores/NAME.npy` and the like for each image as
/// soon as it is scored, and, when all are, `image_names.json` and `image_scores.npy`, which have one order.
final class FolderOutput: Sendable {
    private let directory: String
    private let names: NameList
    private let parameters: ScoreParameters
    /// What was written.
    private let files = Mutex<[(folder: OutputFolder, name: String)]>([])

    /// Makes the directory.
    ///
    /// - Throws: A problem if it cannot be made.
    init(_ directory: String, _ names: NameList, _ parameters: ScoreParameters) throws(Problem) {
        self.directory = directory.withoutSlashesBehind
        self.names = names
        self.parameters = parameters
        do throws(FileError) {
            _ = try OutputFolder(path: self.directory)
        } catch {
            throw Problem(error)
        }
    }

    /// The arrays that have a file for each image.
    private var arrays: [ScoreParameters.Array] { parameters.written.filter { $0 != .imageScores } }

    /// The paths that were written to: those of files that are for all images, and those of folders with files for each.
    var written: [String] {
        ["\(directory)/\(ScoreParameters.Array.imageScores.rawValue).npy", "\(directory)/\(NameList.fileName)"]
            + arrays.map { "\(directory)/\($0.rawValue)/" }
    }

    /// Writes the arrays of one image.
    ///
    /// - Throws: A problem if they cannot be written.
    func write(_ scores: SegmentationScores, of index: Int) throws(Problem) {
        let image = DatasetScores([scores])
        let name = names[index]
        let slash = name.lastIndex(of: "/")
        for array in arrays {
            let elements = try image.elements(array, threshold: parameters.threshold ?? 0, image: 0)
            let folder = "\(directory)/\(array.rawValue)" + (slash.map { "/" + name[..<$0] } ?? "")
            let file = slash.map { String(name[name.index(after: $0)...]) } ?? name
            try write(elements, to: folder, "\(file).npy")
        }
    }

    /// Writes what is for all images.
    ///
    /// - Throws: A problem if it cannot be written.
    func finish(_ imageScores: [Double]) throws(Problem) {
        try write(try names.json(), to: directory, NameList.fileName)
        let scores = try ArrayAnswer.numbers(imageScores)
        try write(scores, to: directory, "\(ScoreParameters.Array.imageScores.rawValue).npy")
    }

    /// Removes what was written, because not all of it will be.
    func discard() {
        for (folder, name) in files.withLock({ $0 }) { folder.remove(name) }
    }

    private func write(_ array: ArrayAnswer, to folder: String, _ file: String) throws(Problem) {
        let pieces: [(owner: any StableBytes, range: Range<Int>)]
        do throws(MemoryError) {
            pieces = try array.npy()
        } catch {
            throw Problem(error)
        }
        try write(pieces, to: folder, file)
    }

    private func write(
        _ pieces: [(owner: any StableBytes, range: Range<Int>)], to path: String, _ file: String
    ) throws(Problem) {
        do throws(FileError) {
            let folder = try OutputFolder(path: path)
            try folder.write(file, pieces)
            files.withLock { $0.append((folder, file)) }
        } catch {
            throw Problem(error)
        }
    }
}
