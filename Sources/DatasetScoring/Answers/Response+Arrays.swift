import Codecs
import HTTPTypes
package import Memory
package import ServiceInterface
package import WebService

extension Response {
    /// A response with one array as npy, which is sent without a copy of the array.
    ///
    /// - Throws: A 503 problem if memory is short.
    package static func npy(_ array: ArrayAnswer) throws(Problem) -> Response {
        var response = try bytes(.ok, .npy, NpyEncoder.header(for: array.layout))
        for (owner, range) in array.bytes { response.body.append(owner, range) }
        return response
    }

    /// A response with named arrays as npz, which is sent without a copy of the arrays.
    ///
    /// - Parameters:
    ///   - reservation: The memory that the archive takes besides the elements of the arrays, if that is worth counting
    ///     because there are many arrays.
    /// - Throws: A 503 problem if memory is short.
    package static func npz(
        _ arrays: [(name: String, array: ArrayAnswer)], _ reservation: ByteReservation? = nil
    ) throws(Problem) -> Response {
        let entries = arrays.map { name, array in
            NpzEntry(name: name, layout: array.layout, content: array.bytes)
        }
        do throws(MemoryError) {
            var body = ResponseBody()
            for piece in try NpzEncoder.archive(of: entries) {
                body.append(piece.owner, piece.range)
            }
            body.reservation = reservation
            return Response(.ok, .npz, body)
        } catch {
            throw Problem(error)
        }
    }
}

extension JSONWriter.Members {
    /// Writes an array as a member that consists of nested lists.
    ///
    /// - Parameters:
    ///   - shape: Another shape with as many elements; nil for the array's own.
    package mutating func elements(_ name: String, _ array: ArrayAnswer, shape: [Int]? = nil) {
        let shape = shape ?? array.layout.shape
        elements(name, count: array.layout.elementCount) { elements, text in
            array.appendJSON(elements, shape: shape, to: &text)
        }
    }

    /// Writes arrays as a member that is a list of nested lists.
    package mutating func list(_ name: String, _ arrays: [ArrayAnswer]) {
        list(name, of: arrays) { writer, array in writer.elements(array) }
    }
}

extension JSONWriter {
    /// Writes one array as nested lists.
    package mutating func elements(_ array: ArrayAnswer) {
        elements(count: array.layout.elementCount) { elements, text in
            array.appendJSON(elements, shape: array.layout.shape, to: &text)
        }
    }

    /// Writes one list of arrays.
    package mutating func list(_ arrays: some Sequence<ArrayAnswer>) {
        list(of: arrays) { writer, array in writer.elements(array) }
    }
}
