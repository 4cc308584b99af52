import Foundation
import Testing

@testable import Jobs

@Suite struct JobLifecycleTests {
    private let now = Date(timeIntervalSince1970: 5)

    /// A life that has come to `status`, at time 0.
    private func life(_ status: JobStatus) -> JobLifecycle {
        let start = Date(timeIntervalSince1970: 0)
        var life = JobLifecycle(status == .open ? .open : .receiving, at: start)
        switch status {
        case .open, .receiving: return life
        case .queued: _ = life.enqueue(at: start)
        case .running, .succeeded, .failed, .canceled:
            _ = life.enqueue(at: start)
            _ = life.start(at: start)
        }
        switch status {
        case .succeeded: _ = life.finish(.succeeded, at: start)
        case .failed: _ = life.finish(.failed, at: start)
        case .canceled: _ = life.finish(.canceled, at: start)
        case .open, .receiving, .queued, .running: break
        }
        #expect(life.status == status)
        return life
    }

    @Test(arguments: JobStatus.allCases) func enqueues(from status: JobStatus) {
        var life = life(status)
        let action = life.enqueue(at: now)
        switch status {
        case .open, .receiving: #expect(action == .submit && life.status == .queued)
        case .queued, .running: #expect(action == .refuse && life.status == status)
        case .succeeded, .failed, .canceled: #expect(action == .tooLate && life.status == status)
        }
    }

    @Test(arguments: JobStatus.allCases) func starts(from status: JobStatus) {
        var life = life(status)
        let before = life.startedAt
        let action = life.start(at: now)
        if status == .queued {
            #expect(action == .run && life.status == .running && life.startedAt == now)
        } else {
            #expect(action == .skip && life.status == status && life.startedAt == before)
        }
        #expect((life.finishedAt != nil) == status.isFinal)
    }

    @Test(
        arguments: JobStatus.allCases,
        [(JobLifecycle.Ending.succeeded, JobStatus.succeeded), (.failed, .failed), (.canceled, .canceled)])
    func finishes(from status: JobStatus, to end: (ending: JobLifecycle.Ending, status: JobStatus)) {
        var life = life(status)
        let before = life.finishedAt
        let action = life.finish(end.ending, at: now)
        if status == .running {
            #expect(action == .settle && life.status == end.status && life.finishedAt == now)
        } else {
            #expect(action == .ignore && life.status == status && life.finishedAt == before)
        }
    }

    @Test(arguments: JobStatus.allCases) func cancels(from status: JobStatus) {
        var life = life(status)
        let before = life.finishedAt
        let action = life.cancel(at: now)
        #expect(life.isCancelRequested == (status == .running))
        switch status {
        case .open, .receiving, .queued:
            #expect(action == .settle && life.status == .canceled && life.finishedAt == now)
        case .running: #expect(action == .signal && life.status == .running && life.finishedAt == nil)
        case .succeeded, .failed, .canceled:
            #expect(action == .tooLate && life.status == status && life.finishedAt == before)
        }
    }

    @Test(arguments: JobStatus.allCases) func withdraws(from status: JobStatus) {
        #expect(life(status).withdraw() == (status == .open || status == .receiving ? .forget : .keep))
    }

    @Test func believesWorkThatWasDoneBeforeItSawTheCancel() {
        var life = life(.running)
        #expect(life.cancel(at: now) == .signal)
        #expect(life.cancel(at: now) == .signal)
        #expect(life.finish(.succeeded, at: now) == .settle)
        #expect(life.status == .succeeded)
    }
}
