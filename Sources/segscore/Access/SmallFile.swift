import Foundation

/// A file that is named on the command line, and is read whole.
struct SmallFile {
    enum Failure: Error {
        case unreadable(code: Int32)
        case tooLarge(limit: Int)

        /// What went wrong, for people, behind the file's name.
        var sentence: String {
            switch self {
            case .unreadable(let code): unsafe "cannot be read: \(String(cString: strerror(code)))."
            case .tooLarge(let limit): "has more than \(limit) bytes."
            }
        }
    }

    private static let limit = 1 << 20

    let bytes: [UInt8]

    init(_ path: String) throws(Failure) {
        guard let file = unsafe fopen(path, "rbe") else { throw .unreadable(code: errno) }
        defer { unsafe fclose(file) }
        var buffer = [UInt8](repeating: 0, count: Self.limit + 1)
        let count = unsafe fread(&buffer, 1, buffer.count, file)
        guard unsafe ferror(file) == 0 else { throw .unreadable(code: errno) }
        guard count <= Self.limit else { throw .tooLarge(limit: Self.limit) }
        bytes = Array(buffer.prefix(count))
    }
}
