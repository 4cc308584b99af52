import ServiceInterface
import Synchronization
import Testing

@Suite struct ByteStreamTests {
    private final class Wakes: Sendable {
        private let value = Atomic(0)
        var count: Int { value.load(ordering: .relaxed) }
        func add() { value.add(1, ordering: .relaxed) }
    }

    private func text(_ next: ByteStream.Next) -> String {
        switch next {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .later: "later"
        case .end: "end"
        }
    }

    @Test func givesWhatWasWrittenInPiecesAndThenTheEnd() {
        let stream = ByteStream()
        stream.write("abc".utf8)
        stream.write("de".utf8)
        stream.finish()
        #expect(["abcd", "e", "end", "end"] == (0..<4).map { _ in text(stream.next(limit: 4) {}) })
    }

    @Test func wakesAReaderOnceForEachTimeItWaits() {
        let (stream, wakes) = (ByteStream(), Wakes())
        #expect(text(stream.next(limit: 9) { wakes.add() }) == "later")
        #expect(wakes.count == 0)
        stream.write("a".utf8)
        stream.write("b".utf8)
        #expect(wakes.count == 1)
        #expect(text(stream.next(limit: 9) { wakes.add() }) == "ab")
        #expect(text(stream.next(limit: 9) { wakes.add() }) == "later")
        stream.finish()
        #expect(wakes.count == 2)
    }

    @Test func dropsWhatIsWrittenBehindTheEndOrForNobody() {
        let ended = ByteStream()
        ended.finish()
        ended.write("a".utf8)
        #expect(text(ended.next(limit: 9) {}) == "end")

        let (closed, wakes) = (ByteStream(), Wakes())
        #expect(text(closed.next(limit: 9) { wakes.add() }) == "later")
        closed.close()
        #expect(closed.isClosed)
        closed.write("a".utf8)
        #expect(wakes.count == 0)
        #expect(text(closed.next(limit: 9) {}) == "later")
    }
}
