import Testing

@testable import Scoring

@Suite struct ElementStreamTests {
    /// Pushes bytes in chunks and gives back what came out, call by call.
    private func push(_ bytes: [UInt8], cuts: [Int], size: Int) -> [[[UInt8]]] {
        var stream = ElementStream(elementByteCount: size)
        var calls: [[[UInt8]]] = []
        for (start, end) in zip([0] + cuts, cuts + [bytes.count]) {
            var chunk: [[UInt8]] = []
            stream.append(bytes.span.extracting(start..<end)) { elements in
                chunk.append(elements.indices.map { elements[$0] })
            }
            calls.append(chunk)
        }
        return calls
    }

    @Test(arguments: [1, 2, 4, 8]) func handsOnEveryByteInOrderAtEveryPairOfCuts(size: Int) {
        let bytes = (0..<UInt8(4 * size)).map { $0 }
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let calls = push(bytes, cuts: [first, second], size: size)
                #expect(calls.joined().joined().elementsEqual(bytes))
            }
        }
    }

    @Test(arguments: [1, 2, 4, 8]) func handsOnWholeElementsAsSoonAsTheyAreIn(size: Int) {
        let bytes = (0..<UInt8(5 * size)).map { $0 }
        for cut in 0...bytes.count {
            let calls = push(bytes, cuts: [cut], size: size)
            #expect(calls[0].joined().count == cut / size * size)
            #expect(calls.joined().allSatisfy { $0.count % size == 0 && !$0.isEmpty })
            #expect(calls.allSatisfy { $0.count <= 2 })
        }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 9]) func puts8BytesTogetherFromChunksOfAnySize(chunk: Int) {
        let bytes = (0..<UInt8(64)).map { $0 }
        let cuts = Array(stride(from: chunk, to: bytes.count, by: chunk))
        #expect(push(bytes, cuts: cuts, size: 8).joined().joined().elementsEqual(bytes))
    }

    @Test func keepsAnElementThatNeverEnds() {
        #expect(push([1, 2, 3, 4, 5, 6, 7], cuts: [3], size: 4) == [[], [[1, 2, 3, 4]]])
    }

    @Test func passesOnWhatTheBodyThrows() {
        var stream = ElementStream(elementByteCount: 2)
        let bytes: [UInt8] = [1, 2]
        #expect(throws: ScoringError.tooManyClasses(3, limit: 2)) {
            try stream.append(bytes.span) { _ throws(ScoringError) in throw .tooManyClasses(3, limit: 2) }
        }
    }
}
