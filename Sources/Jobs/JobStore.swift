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

    /// Whether nothing can be taken down at the moment. Does not wait.
    var isFailing: Bool { get }

    /// Says whose jobs they are, before there are any. Does not wait.
    func attach(_ queue: JobQueue<Kind>)

    /// Takes down what is still to be taken down, and nothing from then on: what happens to jobs while the process ends
    /// is not for the next one.
    func close()

    // MARK: The way in

    /// A job was admitted whose client is to be told later what became of it, by the next process too. Does not wait.
    func begin(_ job: Job<Kind>)

    /// A job was opened that takes its input in parts.
    func open(_ job: Job<Kind>) throws(Kind.Failure)

    /// Writes a part of a job to where it stays, and where no job has it yet.
    ///
    /// - Parameters:
    ///   - file: A number that no other part of the job has.
    /// - Returns: The same part as the job is to have it.
    func write(_ part: Kind.Part, as file: Int, of job: JobID) throws(Kind.Failure) -> Kind.Part

    /// Gives an open job a part.
    ///
    /// - Parameters:
    ///   - part: Was written.
    ///   - number: Its place among the job's parts. They are added in order, and one at a time.
    /// - Throws: Also if the job was canceled or deleted meanwhile.
    func add(_ part: Kind.Part, as number: Int, to job: JobID) throws(Kind.Failure)

    /// Removes a part that was written and that no job got.
    func discard(_ part: Kind.Part, of job: JobID)

    /// An open job gets no more parts.
    ///
    /// - Throws: Also if the job was canceled or deleted meanwhile.
    func finish(_ job: JobID) throws(Kind.Failure)

    /// Takes over the input of a job that is receiving: when this returns the job is not lost any more, as far as
    /// anything can be kept from being lost here.
    ///
    /// - Parameters:
    ///   - input: Has arrived.
    ///   - fingerprint: That of the request, if it has a key.
    /// - Returns: What the job's work is to be done on.
    /// - Throws: Also if the job was canceled or deleted meanwhile.
    func accept(
        _ job: JobID, _ input: JobInput<Kind>, _ fingerprint: Kind.Fingerprint?
    ) throws(Kind.Failure) -> JobInput<Kind>

    // MARK: Work

    /// Has something done with the parts of a job, as this process reads them. The next one knows of the attempt if
    /// this one does not survive it.
    ///
    /// - Throws: What `body` throws; and if parts are not what was written.
    func attempt<Answer>(
        _ job: JobID, on parts: [Kind.Part], _ body: ([Kind.Part]) throws(Kind.Failure) -> Answer
    ) throws(Kind.Failure) -> Answer

    /// An attempt has ended with nothing done, and counts for nothing.
    func takeBackAttempt(_ job: JobID)

    /// Keeps what a job has made, just before the job ends.
    ///
    /// - Parameters:
    ///   - job: As it runs. Its parts, if it has any, were written.
    ///   - seconds: For how long.
    /// - Returns: The same output as it is kept.
    /// - Throws: If the output finds no room, and the job was not accepted before.
    func keep(_ output: Kind.Output, of job: Job<Kind>, for seconds: TimeInterval) throws(Kind.Failure) -> Kind.Output

    /// Proves anew the outputs that were read lately.
    ///
    /// - Throws: If some are not what was kept. Their jobs have failed then.
    func proveOutputs() throws(Kind.Failure)

    // MARK: What becomes of jobs

    /// Takes down what has become of a job, before anybody who waits for the job is told.
    func handle(_ event: JobEvent<Kind>)

    /// Returns when what has become of a job before holds, whatever happens then.
    func settle(_ job: JobID) throws(Kind.Failure)
}

/// A job that the process before has left.
package struct RestoredJob<Kind: JobKind>: Sendable {
    /// Is receiving if its work is still to be done, or open, or has ended.
    package var job: Job<Kind>
    /// The parts of a job that has not ended, in order of arrival.
    package var parts: [Kind.Part] = []
    /// What is wrong with the input of a job that is receiving, if anything is.
    package var failure: Kind.Failure?
    /// Whether an earlier process ended while it ran the job.
    package var isSuspect = false

    package init(_ job: Job<Kind>) {
        self.job = job
    }
}
