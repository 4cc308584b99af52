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
        case .cut: "cut"
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

    @Test func makesAPieceWhenTheOneBeforeIsRead() {
        let made = Mutex(0)
        let works = Mutex<[@Sendable () -> Void]>([])
        let stream = ByteStream {
            made.withLock { made in
                made += 1
                return made <= 3 ? Array("piece\(made)".utf8) : nil
            }
        }
        stream.begin { work in works.withLock { $0.append(work) } }
        func work() { works.withLock { $0.isEmpty ? nil : $0.removeFirst() }?() }
        let wakes = Wakes()
        #expect(text(stream.next(limit: 9) { wakes.add() }) == "later")
        #expect(made.withLock { $0 } == 0)
        work()
        #expect(wakes.count == 1)
        #expect(text(stream.next(limit: 4) { wakes.add() }) == "piec")
        #expect(works.withLock { $0.count } == 0, "some of it is still there")
        #expect(text(stream.next(limit: 4) { wakes.add() }) == "e1")
        work()
        #expect(text(stream.next(limit: 9) { wakes.add() }) == "piece2")
        work()
        work()
        #expect(made.withLock { $0 } == 3)
        #expect(text(stream.next(limit: 9) { wakes.add() }) == "piece3")
        work()
        #expect(text(stream.next(limit: 9) { wakes.add() }) == "end")
    }

    @Test func isCutWhereItIsFinishedBeforeAllIsMade() {
        let stream = ByteStream { [1] }
        stream.begin { $0() }
        stream.finish()
        #expect(text(stream.next(limit: 9) {}) == "cut")
    }

    @Test func isCutAheadOfAPieceThatIsNotSound() {
        let asked = Mutex(0)
        let stream = ByteStream { [7] }
        stream.makeFirst {
            asked.withLock { asked in
                asked += 1
                return asked < 2
            }
        }
        stream.begin { $0() }
        #expect(asked.withLock { $0 } == 0, "whoever has the first made proves that")
        for expected in ["\u{7}", "\u{7}", "cut"] {
            #expect(text(stream.next(limit: 9) {}) == expected)
        }
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
