import BlockFunctions
import CBlockFunctions
import Foundation
import Testing

/// The library as a caller in another language sees it.
@Suite struct LibraryTests {
    private struct Array {
        let name: String
        let type: String
        let shape: [Int64]
        let bytes: [UInt8]

        init(_ name: String, _ type: String, _ shape: [Int64], _ bytes: [UInt8]) {
            (self.name, self.type, self.shape, self.bytes) = (name, type, shape, bytes)
        }

        init(_ name: String, floats: [Float], _ shape: [Int64]) {
            self.init(name, "float32", shape, floats.flatMap { withUnsafeBytes(of: $0, Swift.Array.init) })
        }

        init(_ name: String, doubles: [Double], _ shape: [Int64]) {
            self.init(name, "float64", shape, doubles.flatMap { withUnsafeBytes(of: $0, Swift.Array.init) })
        }
    }

    /// The answer to a call whose arrays lie `offset` bytes behind where they would be aligned.
    private func call(_ function: String, _ query: String, _ arrays: [Array], offset: Int = 0) throws -> Any {
        var memory: [UnsafeMutableRawPointer] = []
        defer { for pointer in memory { pointer.deallocate() } }
        func copy(_ bytes: [UInt8], offset: Int = 0) -> UnsafeMutableRawPointer {
            let pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + offset + 1, alignment: 16)
            memory.append(pointer)
            for (index, byte) in bytes.enumerated() {
                pointer.storeBytes(of: byte, toByteOffset: index + offset, as: UInt8.self)
            }
            return pointer + offset
        }
        func text(_ text: String) -> UnsafePointer<CChar> {
            UnsafePointer(copy(Swift.Array(text.utf8) + [0]).assumingMemoryBound(to: CChar.self))
        }
        let lent = arrays.map { array in
            segscore_array(
                name: text(array.name), type: text(array.type),
                shape: UnsafePointer(
                    copy(array.shape.flatMap { withUnsafeBytes(of: $0, Swift.Array.init) })
                        .assumingMemoryBound(to: Int64.self)),
                elements: UnsafeRawPointer(copy(array.bytes, offset: offset)), rank: Int32(array.shape.count))
        }
        let document = lent.withUnsafeBufferPointer {
            segscoreCall(text(function), text(query), $0.baseAddress, $0.count)
        }
        defer { segscoreFree(document) }
        return try JSONSerialization.jsonObject(with: Data(String(cString: try #require(document)).utf8))
    }

    private func arrays(_ answer: Any) throws -> [String: (type: String, shape: [Int], bytes: [UInt8])] {
        var found: [String: (String, [Int], [UInt8])] = [:]
        let document = try #require(answer as? [String: Any])
        for each in try #require(document["arrays"] as? [[String: Any]], "\(document)") {
            let shape = try #require(each["shape"] as? [Int])
            let type = try #require(each["type"] as? String)
            let size = ["float32": 4, "float64": 8, "int64": 8, "uint64": 8][type] ?? 1
            let address = try #require(each["address"] as? UInt)
            let bytes = UnsafeRawBufferPointer(
                start: UnsafeRawPointer(bitPattern: address), count: shape.reduce(size, *))
            found[try #require(each["name"] as? String)] = (type, shape, Swift.Array(bytes))
            let owner = try #require(each["owner"] as? UInt)
            segscoreRelease(try #require(UnsafeRawPointer(bitPattern: owner)))
        }
        return found
    }

    private func detail(_ answer: Any) throws -> String {
        let document = try #require(answer as? [String: Any])
        #expect(document["arrays"] == nil)
        return "\(try #require(document["status"] as? Int)) \(try #require(document["detail"] as? String))"
    }

    private let labels = Array("labels", "uint8", [1, 1, 2], [0, 1])
    private let probabilities = Array("pred_probs", floats: [0.75, 0.5, 0.25, 0.5], [1, 2, 1, 2])

    @Test func reducesArrays() throws {
        let found = try arrays(call("reduce", "", [labels, probabilities]))
        #expect(found["labels"]?.bytes == [0, 1] && found["labels"]?.type == "uint8")
        #expect(found["predicted"]?.bytes == [0, 0] && found["predicted"]?.shape == [1, 1, 2])
        #expect(found["own"]?.bytes == Array("", floats: [0.75, 0.5], []).bytes)
        #expect(found["class_sums"]?.bytes == Array("", doubles: [0.75, 0.5], []).bytes)
    }

    @Test func readsElementsThatAreNotAlignedOnlyWhereTheyArrive() throws {
        #expect(try arrays(call("reduce", "", [labels, probabilities], offset: 1))["predicted"]?.bytes == [0, 0])
        let own = Array("own", floats: [0.75, 0.5], [1, 1, 2])
        #expect(try detail(call("count_equal", "?score=0.5", [own, labels], offset: 1)).hasPrefix("400 "))
        let answer = try call("count_equal", "?score=0.5", [own, labels]) as? [String: Any]
        #expect(answer?["number"] as? Int == 1)
    }

    @Test func tellsWhatIsWrong() throws {
        let own = Array("own", floats: [0.75, 0.5], [1, 1, 2])
        let wide = Array("predicted", "uint16", [1, 1, 2], [0, 0, 0, 0])
        let predicted = Array("predicted", "uint8", [1, 1, 2], [1, 0])
        let thresholds = Array("thresholds", doubles: [0.5], [1])
        let largest = Array("largest", floats: [0.75, 0.5], [1, 1, 2])
        let many = Array("own", floats: [0.1, 0.2, 0.3], [1, 1, 3])
        let cases: [(String, String, [Array], String)] = [
            ("nothing", "", [], "function"), ("reduce", "", [labels], "pred_probs"),
            ("reduce", "", [probabilities], "labels"),
            ("reduce", "?temperature=1", [labels, probabilities], "temperature"),
            ("reduce", "?downsample=2", [labels, probabilities], "2"),
            (
                "reduce", "", [labels, Array("pred_probs", floats: [2, 0, 0, 0], [1, 2, 1, 2])],
                "pred_probs[0, 0, 0, 0]"
            ),
            ("reduce", "", [Array("labels", "object", [1, 1, 2], [0, 1]), probabilities], "labels"),
            ("reduce", "", [Array("labels", "uint8", [1, -1, 2], []), probabilities], "labels"),
            ("count_equal", "?score=2", [own, labels], "score"), ("count_equal", "", [own, labels], "score"),
            ("count_equal", "?score=0.5", [many, labels], "labels"),
            ("count_equal", "?score=0.5", [labels, Array("own", "uint8", [1, 1, 2], [0, 1])], "own"),
            ("histogram", "?prefix=0&shift=0&width=17", [own, labels], "width"),
            ("histogram", "?shift=0&width=8", [own, labels], "prefix"),
            ("count_confident", "", [largest, predicted, labels, thresholds], "thresholds"),
            ("count_confident", "", [largest, wide, labels, thresholds], "predicted"),
            ("softmin", "?temperature=0", [own, labels], "temperature"),
            ("regions", "", [own, largest, predicted, labels], "first"),
            (
                "regions", "?first=0", [own, Array("largest", doubles: [1, 1], [1, 1, 2]), predicted, labels], "largest"
            ),
            (
                "mark", "?score=0.5&ties=0",
                [
                    many, Array("labels", "uint8", [1, 1, 3], [0, 0, 0]),
                    Array("pixel_labels", "uint8", [1, 1, 2], [0, 0]),
                    Array("pixel_predicted", "uint8", [1, 1, 2], [0, 0]),
                ],
                "own"
            ),
        ]
        for (function, query, arrays, word) in cases {
            let document = try #require(try call(function, query, arrays) as? [String: Any])
            let told = "\(document["parameter"] ?? "") \(document["detail"] ?? "")"
            #expect(document["status"] as? Int != nil && told.contains(word), "\(function): \(document)")
        }
    }
}
