import Codecs
import Foundation
import ServiceInterface
import Testing

@testable import WebService

@Suite struct JSONPiecesTests {
    /// Elements that are true at some irregular places, and what writes them as nested lists.
    private static func mask(
        _ shape: [Int]
    ) -> (values: [UInt8], write: @Sendable (_ elements: Range<Int>, _ text: inout [UInt8]) -> Void) {
        let values = (0..<shape.reduce(1, *)).map { UInt8($0 % 7 < 3 ? 1 : 0) }
        return (
            values,
            { elements, text in
                JSONNumbers.append(
                    mask: values.span.extracting(elements), at: elements.lowerBound, of: shape, to: &text)
            }
        )
    }

    @Test(arguments: [[5000], [50, 60, 7], [3, 1, 4000], [4001, 1, 1]])
    func makeTheTextOfAnArray(shape: [Int]) throws {
        let (values, write) = Self.mask(shape)
        var writer = JSONWriter()
        writer.object { members in
            members.integer("before", 1)
            members.elements("array", count: values.count, write)
            members.rows("rows", count: 3000) { members, row in members.integer("row", row) }
            members.string("after", "2")
        }
        #expect(!writer.pieces.isSmall)
        var (pieces, bytes, sizes) = (writer.pieces, [UInt8](), [Int]())
        while let piece = pieces.next() {
            bytes += piece
            sizes.append(piece.count)
        }
        #expect(sizes.dropLast().allSatisfy { (JSONPieces.pieceBytes..<2 * JSONPieces.pieceBytes).contains($0) })
        var all = writer.pieces
        #expect(all.all() == bytes)
        let object = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(object["before"] as? Int == 1 && object["after"] as? String == "2")
        #expect((object["rows"] as? [[String: Int]])?.compactMap { $0["row"] } == Array(0..<3000))
        var level = try #require(object["array"] as? [Any])
        for extent in shape.dropLast() {
            #expect(level.count == extent || extent != shape[0])
            level = level.flatMap { $0 as? [Any] ?? [] }
        }
        #expect(level.compactMap { $0 as? Bool } == values.map { $0 == 1 })
    }

    @Test func areOneTextWhereTheyAreFew() throws {
        let (values, write) = Self.mask([2, 3])
        var writer = JSONWriter()
        writer.elements(count: values.count, write)
        let body = try writer.pieces.body()
        #expect(body.stream == nil)
        #expect(body.byteCount == "[[true,true,true],[false,false,false]]".utf8.count)
    }
}
