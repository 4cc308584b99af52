import HTTPTypes
import ServiceInterface
import Testing

@testable import HTTPServer

@Suite struct ReplyGateTests {
    /// What a step says, with the status of an answer.
    private func text(_ step: ReplyGate.Step) -> String {
        switch step {
        case .send(let response): "send \(response.head.status.code)"
        case .suspend: "suspend"
        case .wait: "wait"
        case .close: "close"
        }
    }

    private func mustNotBeAsked() -> Bool {
        Issue.record("asked although the answer does not matter")
        return true
    }

    private let answer = Response.text(200, "first")
    private let late = Response.text(500, "second")

    @Test func keepsAnAnswerUntilTheHandlerAsks() {
        var gate = ReplyGate()
        #expect(gate.isOpen)
        #expect(gate.offer(answer) == .keep)
        #expect(!gate.isOpen)
        #expect(gate.offer(late) == .drop)
        #expect(text(gate.collect()) == "send 200")
        #expect(gate.offer(late) == .drop)
        #expect(text(gate.collect()) == "close")
    }

    @Test func resumesTheConnectionThatWaitsForAnAnswer() {
        var gate = ReplyGate()
        #expect(text(gate.collect()) == "suspend")
        #expect(text(gate.collect()) == "wait")
        #expect(gate.offer(answer) == .resume)
        #expect(gate.offer(late) == .drop)
        #expect(text(gate.collect()) == "send 200")
    }

    @Test func givesAnAnswerEarlyOnlyWhereThereIsOne() {
        var gate = ReplyGate()
        #expect(gate.collectEarly() == nil)
        #expect(gate.isOpen)
        #expect(gate.offer(answer) == .keep)
        #expect(gate.collectEarly()?.head.status.code == 200)
        #expect(gate.collectEarly() == nil)
        #expect(gate.offer(late) == .drop)
    }

    @Test func expiresWhatIsOpenAndNothingElse() {
        var gate = ReplyGate()
        #expect(gate.expire(if: { false }) == false)
        #expect(gate.isOpen)
        #expect(gate.expire(if: { true }) == true)
        #expect(gate.offer(answer) == .drop)
        #expect(text(gate.collect()) == "close")
        #expect(gate.expire(if: mustNotBeAsked) == false)

        var suspended = ReplyGate()
        _ = suspended.collect()
        #expect(suspended.expire(if: mustNotBeAsked) == false)
        #expect(suspended.offer(answer) == .resume)
        #expect(suspended.expire(if: mustNotBeAsked) == false)
        #expect(text(suspended.collect()) == "send 200")
    }

    @Test func letsAClientLeaveWhileItsConnectionIsSuspended() {
        var gate = ReplyGate()
        #expect(gate.leave(if: mustNotBeAsked) == false)
        _ = gate.collect()
        #expect(gate.leave(if: { false }) == false)
        #expect(gate.leave(if: { true }) == true)
        #expect(gate.leave(if: mustNotBeAsked) == false)
        #expect(gate.offer(answer) == .drop)
        #expect(text(gate.collect()) == "close")
    }

    @Test func keepsTheAnswerThatCameBeforeTheHangUp() {
        var gate = ReplyGate()
        _ = gate.collect()
        #expect(gate.offer(answer) == .resume)
        #expect(gate.leave(if: mustNotBeAsked) == false)
        #expect(text(gate.collect()) == "send 200")
    }

    @Test(arguments: [false, true], [false, true])
    func dropsWhatComesAfterTheEnd(isSuspended: Bool, isAnswered: Bool) {
        var gate = ReplyGate()
        if isSuspended { _ = gate.collect() }
        if isAnswered { _ = gate.offer(answer) }
        gate.close()
        #expect(!gate.isOpen)
        #expect(gate.offer(late) == .drop)
        #expect(gate.collectEarly() == nil)
        #expect(gate.expire(if: { true }) == false)
        #expect(gate.leave(if: { true }) == false)
        #expect(text(gate.collect()) == "close")
    }
}
