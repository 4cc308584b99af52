package import Foundation

/// Keeps jobs in memory, where their queue has them already. There is nothing to do, and nothing to wait for.
package struct MemoryJobStore<Kind: JobKind>: JobStore {
    package let outlivesProcess = false
    package let isFailing = false

    package init() {}

    package func attach(_ queue: JobQueue<Kind>) {}
    package func close() {}

    package func begin(_ job: Job<Kind>) {}
    package func open(_ job: Job<Kind>) throws(Kind.Failure) {}
    package func write(_ part: Kind.Part, as file: Int, of job: JobID) throws(Kind.Failure) -> Kind.Part { part }
    package func add(_ part: Kind.Part, as number: Int, to job: JobID) throws(Kind.Failure) {}
    package func discard(_ part: Kind.Part, of job: JobID) {}
    package func finish(_ job: JobID) throws(Kind.Failure) {}

    /// The input stays where it has arrived, and the job's work makes parts of it.
    package func accept(
        _ job: JobID, _ input: JobInput<Kind>, _ fingerprint: Kind.Fingerprint?
    ) throws(Kind.Failure) -> JobInput<Kind> { input }

    package func attempt<Answer>(
        _ job: JobID, on parts: [Kind.Part], _ body: ([Kind.Part]) throws(Kind.Failure) -> Answer
    ) throws(Kind.Failure) -> Answer { try body(parts) }

    package func takeBackAttempt(_ job: JobID) {}

    package func keep(
        _ output: Kind.Output, of job: JobID, for seconds: TimeInterval
    ) throws(Kind.Failure) -> Kind.Output { output }

    package func proveOutputs() throws(Kind.Failure) {}
    package func add(_ remarks: [Kind.Remark], after number: Int, to job: JobID) throws(Kind.Failure) {}
    package func remarks(on job: JobID) throws(Kind.Failure) -> [Kind.Remark] { [] }
    package func handle(_ event: JobEvent<Kind>) {}
    package func settle(_ job: JobID) throws(Kind.Failure) {}
}
