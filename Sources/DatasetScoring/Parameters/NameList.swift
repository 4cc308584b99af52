import HTTPTypes
package import Memory
import WebService

/// What the images, their pictures or the classes of a data set are called, in their order.
package final class NameList: Equatable, Sendable {
    package let all: [String]

    /// The memory that the names take, of which there may be a million.
    private let reservation: ByteReservation

    /// - Throws: ``MemoryError/outOfMemory(byteCount:)`` if there is no room for the names.
    package init(_ names: [String]) throws(MemoryError) {
        reservation = try ByteReservation(
            names.reduce(0) { $0 + $1.utf8.count + MemoryLayout<String>.stride + Self.bytesOfAText })
        all = names
    }

    /// What the memory of a text holds beside its bytes.
    private static let bytesOfAText = 32

    package static func == (first: NameList, second: NameList) -> Bool { first.all == second.all }

    package subscript(index: Int) -> String { all[index] }

    /// The file beside arrays in which the names are written.
    package static let fileName = "image_names.json"

    /// A JSON list of the names.
    ///
    /// - Throws: A 503 problem if memory is short.
    func json() throws(Problem) -> [(owner: any StableBytes, range: Range<Int>)] {
        do throws(MemoryError) {
            // The text is made as an array first, which nobody else counts.
            let text = try ByteReservation(2 * all.reduce(0) { $0 + $1.utf8.count + 3 })
            defer { withExtendedLifetime(text) {} }
            var writer = JSONWriter()
            writer.strings(all)
            let bytes = try Buffer(writer.text)
            return [(bytes, 0..<bytes.count)]
        } catch {
            throw Problem(error)
        }
    }
}
