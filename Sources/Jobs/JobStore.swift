package import Foundation

/// Where jobs are kept beside their queue: in memory, or so that they outlive the process.
///
/// Code that takes a job's input or answers for a job tells the store, and need not know which store it is. Unless a
/// function says otherwise it may wait for a disk, and so is for workers; a store that does not outlive the process
/// never waits.
///
/// A change that a store refuses by throwing has not been made, and is not found by the next process either.
package protocol JobStore<Kind>: Sendable {
    associatedtype Kind: JobKind

    /// Whether the next process finds the jobs that this one leaves.
    var outlivesProcess: Bool { get }

    /// Whether nothing can be taken down at the moment, as far as is known. This does not wait.
    var isFailing: Bool { get }

    /// Says which queue has the jobs. A queue calls this once, before it has any, and it does not wait.
    func attach(_ queue: JobQueue<Kind>)

    /// Takes down what is still to be taken down, and nothing from then on: what happens to jobs while the process ends
    /// is not for the next one.
    func close()

    // MARK: The way in

    /// Takes down that a job was admitted whose client is to be told later what became of it, by the next process too.
    /// This does not wait.
    func begin(_ job: Job<Kind>)

    /// Takes down that a job was opened, which takes its input in parts.
    ///
    /// - Throws: The reason why the job cannot be kept.
    func open(_ job: Job<Kind>) throws(Kind.Failure)

    /// Writes a part of a job to where it stays, and where no job has it yet.
    ///
    /// - Parameters:
    ///   - file: A number that no other part of the job has.
    /// - Returns: The same part as the job is to have it.
    /// - Throws: The reason why the part cannot be kept.
    func write(_ part: Kind.Part, as file: Int, of job: JobID) throws(Kind.Failure) -> Kind.Part

    /// Gives an open job a part.
    ///
    /// - Parameters:
    ///   - part: What ``write(_:as:of:)`` returned.
    ///   - number: The place of the part among those of the job. They are added in order, and one at a time.
    /// - Throws: The reason why the part cannot be kept, or that the job was canceled or deleted meanwhile.
    func add(_ part: Kind.Part, as number: Int, to job: JobID) throws(Kind.Failure)

    /// Removes a part that was written and that no job got.
    func discard(_ part: Kind.Part, of job: JobID)

    /// Takes down that an open job gets no more parts, and waits for a worker.
    ///
    /// - Throws: The reason why that cannot be taken down, or that the job was canceled or deleted meanwhile.
    func finish(_ job: JobID) throws(Kind.Failure)

    /// Takes over the input of a job that is receiving: when this returns the job is not lost any more, as far as
    /// anything can be kept from being lost here.
    ///
    /// - Parameters:
    ///   - input: The input as it has arrived.
    ///   - fingerprint: The fingerprint of the request; nil if it has no key.
    /// - Returns: What the job's work is to be done on.
    /// - Throws: The reason why the job cannot be kept, or that it was canceled or deleted meanwhile.
    func accept(
        _ job: JobID, _ input: JobInput<Kind>, _ fingerprint: Kind.Fingerprint?
    ) throws(Kind.Failure) -> JobInput<Kind>

    // MARK: Work

    /// Has work done on the parts of a job, as this process reads them. The next process knows of the attempt if this
    /// one does not survive it.
    ///
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or that parts are not what was written.
    func attempt<Answer>(
        _ job: JobID, on parts: [Kind.Part], _ body: ([Kind.Part]) throws(Kind.Failure) -> Answer
    ) throws(Kind.Failure) -> Answer

    /// Takes down that the latest attempt ended with nothing done, so that it does not count.
    func takeBackAttempt(_ job: JobID)

    /// Keeps what a job has made, just before the job ends.
    ///
    /// - Parameters:
    ///   - job: The job, which runs. If it was deleted meanwhile nobody will ask for the output.
    ///   - seconds: How long the output is to be kept.
    /// - Returns: The same output as it is kept.
    /// - Throws: The reason why the output finds no room, if the job was not accepted before.
    func keep(_ output: Kind.Output, of job: JobID, for seconds: TimeInterval) throws(Kind.Failure) -> Kind.Output

    /// Proves anew the outputs that were read lately.
    ///
    /// - Throws: What is wrong with outputs that are not what was kept. Their jobs have failed then.
    func proveOutputs() throws(Kind.Failure)

    // MARK: Remarks

    /// Adds remarks to a job that has succeeded. When this returns they are not lost before the job is, as far as
    /// anything can be kept from being lost here.
    ///
    /// - Parameters:
    ///   - number: How many remarks the job has already. They are added in order, and one call at a time.
    /// - Throws: The reason why the remarks cannot be kept.
    func add(_ remarks: [Kind.Remark], after number: Int, to job: JobID) throws(Kind.Failure)

    /// The remarks on a job that an earlier process has left, in their order.
    ///
    /// - Throws: The reason why they cannot be read.
    func remarks(on job: JobID) throws(Kind.Failure) -> [Kind.Remark]

    // MARK: What becomes of jobs

    /// Takes down what has become of a job, before anybody who waits for the job is told.
    func handle(_ event: JobEvent<Kind>)

    /// Returns when all that has become of a job before holds, even if the power goes afterwards.
    ///
    /// - Throws: The reason why it does not.
    func settle(_ job: JobID) throws(Kind.Failure)
}
