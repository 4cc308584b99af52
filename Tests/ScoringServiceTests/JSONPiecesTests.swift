import Foundation
import ServiceInterface
import Tensors
import Testing

@testable import DatasetScoring
@testable import Scoring
@testable import ScoringService
@testable import WebService

@Suite struct JSONPiecesTests {
    private static func scores(_ shape: [Int]) throws -> (ArrayAnswer, values: [Float]) {
        let values = (0..<shape.reduce(1, *)).map { Float($0 % 7) / 8 }
        let answer = try ArrayAnswer.mask(
            .float32(Buffer(values)), 0..<values.count, shape: shape, threshold: 0.3)
        return (answer, values)
    }

    @Test(arguments: [[5000], [50, 60, 7], [3, 1, 4000], [4001, 1, 1]])
    func makeTheTextOfAnArray(shape: [Int]) throws {
        let (answer, values) = try Self.scores(shape)
        var writer = JSONWriter()
        writer.object { members in
            members.integer("before", 1)
            members.elements("array", answer)
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
        #expect(level.compactMap { $0 as? Bool } == values.map { $0 < 0.3 })
    }

    @Test func areOneTextWhereTheyAreFew() throws {
        let (answer, _) = try Self.scores([2, 3])
        var writer = JSONWriter()
        writer.elements(answer)
        let body = try writer.pieces.body()
        #expect(body.stream == nil)
        #expect(body.byteCount == "[[true,true,true],[false,false,false]]".utf8.count)
    }
}
