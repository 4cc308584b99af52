import HTTPTypes
import ServiceInterface
import Synchronization
import WebService

extension Response {
    /// A text of lines, written while it is sent.
    ///
    /// - Parameters:
    ///   - header: The text ahead of the lines.
    ///   - count: How many lines there may be.
    ///   - line: Writes the line of a number below `count`, with its end; nil leaves it out.
    /// - Throws: A 503 problem if memory is short.
    static func lines(
        _ type: MediaType, header: [UInt8] = [], count: Int, _ line: @escaping @Sendable (Int) -> [UInt8]?
    ) throws(Problem) -> Response {
        // The number of the next line; nil ahead of the header.
        let next = Mutex(Int?.none)
        let reservation = try Problem.reserve(2 * bytesOfAPiece)
        let stream = ByteStream(pieces: { () -> [UInt8]? in
            withExtendedLifetime(reservation) {
                next.withLock { next in
                    var text = next == nil ? header : []
                    var number = next ?? 0
                    while number < count, text.count < bytesOfAPiece {
                        if let line = line(number) { text += line }
                        number += 1
                    }
                    next = number
                    return text.isEmpty ? nil : text
                }
            }
        })
        return Response(.ok, type, ResponseBody(stream: stream))
    }

    /// About how long the pieces are, in bytes.
    private static let bytesOfAPiece = 64 << 10
}
