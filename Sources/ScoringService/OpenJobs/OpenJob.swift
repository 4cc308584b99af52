import DatasetScoring
import Foundation
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
import Synchronization
import WebService

/// A job that takes batches, with the batches that have come.
final class OpenJob: Sendable {
    let id: JobID

    /// The parameters of all batches.
    let parameters: Parameters

    /// The greatest size of all parts together, in bytes.
    private let byteLimit: Int

    /// The state. Daemon threads take this lock, so it is never held while something is written.
    private let state: Mutex<State>

    /// Held by the one worker that adds a batch or closes the job, also while that is being recorded. Other workers
    /// that want to do so wait.
    private let turn = Mutex(())

    /// - Parameters:
    ///   - parts: The parts that an earlier process has taken.
    init(_ id: JobID, _ parameters: Parameters, byteLimit: Int, parts: [JobPart] = []) {
        self.id = id
        self.parameters = parameters.sealed
        self.byteLimit = byteLimit
        var state = State()
        for part in parts { _ = state.add(part) }
        self.state = Mutex(state)
    }

    /// A batch that was added.
    struct Batch: Equatable, Sendable {
        let index: Int
        let firstImage: Int
        let shape: ScoringShape
        let notes: InputNotes
    }

    /// How long ago anything was done with the job, in seconds; nil while a batch arrives.
    var idleTime: TimeInterval? {
        state.withLock { $0.arriving > 0 ? nil : ProcessInfo.processInfo.systemUptime - $0.lastTouch }
    }

    /// Begins a batch, whose body is about to arrive.
    ///
    /// - Parameters:
    ///   - key: The idempotency key of the batch.
    /// - Returns: The batch that came with this key before and must not be added again, with the fingerprint of its
    ///   request if that is known; nil for a new batch.
    /// - Throws: A 409 problem if the job is finished, or if a batch with this key is still arriving.
    func begin(key: String?) throws(Problem) -> (batch: Batch, fingerprint: RequestFingerprint?)? {
        try state.withLock { (state) throws(Problem) in
            try state.touch(id)
            if let key {
                switch state.keys[key] {
                case .added(let batch, let fingerprint)?: return (batch, fingerprint)
                case .arriving?:
                    throw Problem(
                        .batchArriving, "A batch with this Idempotency-Key is on its way.",
                        parameter: "Idempotency-Key", actual: key
                    ).with(.retryAfter, "1")
                case nil: state.keys[key] = .arriving
                }
            }
            state.arriving += 1
            return nil
        }
    }

    /// Proves that a batch fits those that have come.
    ///
    /// - Throws: A 409 problem if the job takes no more batches; 422 if the number of classes or the type of the scores
    ///   differs.
    func check(classCount: Int, _ scalar: ElementType.Scalar) throws(Problem) {
        try state.withLock { (state) throws(Problem) in
            try state.touch(id)
            try state.check(classCount: classCount, hasFloat64: scalar == .float64)
        }
    }

    /// Adds a batch whose body is complete. Images are numbered in the order of these calls. Only workers may call
    /// this.
    ///
    /// - Parameters:
    ///   - record: Records that the job has the batch. If it throws, the job does not have it. One worker at a time
    ///     calls it, because batches have to be recorded in their order.
    /// - Throws: The problems of ``check(classCount:_:)``; 413 if the job would exceed its limit; what `record` throws;
    ///   409 if the job ended while the batch was being recorded.
    func add(
        _ part: JobPart, record: (Batch) throws(Problem) -> Void = { _ in }
    ) throws(Problem) -> Batch {
        try turn.withLock { (_) throws(Problem) in
            let batch = try state.withLock { (state) throws(Problem) in
                try state.touch(id)
                return try state.place(part, byteLimit)
            }
            try record(batch)
            return try state.withLock { (state) throws(Problem) in
                try state.touch(id)
                state.arriving -= 1
                return state.add(part)
            }
        }
    }

    /// A new number, for the files of one batch.
    func nextFile() -> Int {
        state.withLock { state in
            defer { state.nextFile += 1 }
            return state.nextFile
        }
    }

    /// Ends a batch that was begun and will not be completed.
    func abandon(key: String?) {
        state.withLock { state in
            state.arriving -= 1
            state.lastTouch = ProcessInfo.processInfo.systemUptime
            if let key { state.keys[key] = nil }
        }
    }

    /// Closes the job to further batches. Only workers may call this.
    ///
    /// - Parameters:
    ///   - record: Records that the job is closed. If it throws, the job takes batches again; until it returns, the job
    ///     takes none.
    /// - Returns: The parts of the job, at least one, which now belong to the caller.
    /// - Throws: A 409 problem if a batch is still arriving, if there was none, or if the job is finished already; what
    ///   `record` throws.
    func close(record: () throws(Problem) -> Void = {}) throws(Problem) -> [JobPart] {
        try turn.withLock { (_) throws(Problem) in
            try state.withLock { (state) throws(Problem) in try state.beginClosing(id) }
            do throws(Problem) {
                try record()
            } catch {
                state.withLock { $0.isClosed = $0.isDiscarded }
                throw error
            }
            return try state.withLock { (state) throws(Problem) in
                // If the job has ended meanwhile, its parts are gone.
                guard !state.isDiscarded else { throw Problem.notOpen(id) }
                defer { state.parts = [] }
                return state.parts
            }
        }
    }

    /// Releases everything that the job holds, because it has ended.
    func discard() {
        state.withLock { state in
            (state.isClosed, state.isDiscarded) = (true, true)
            state.parts = []
        }
    }
}

extension OpenJob {
    private enum Key {
        case arriving
        case added(Batch, RequestFingerprint?)
    }

    private struct State {
        var parts: [JobPart] = []
        var imageCount = 0
        var byteCount = 0
        var keys: [String: Key] = [:]
        /// The properties that all batches share; nil while there is no batch.
        var kind: (classCount: Int, hasFloat64: Bool)?
        var nextFile = 0
        /// How many batches are arriving.
        var arriving = 0
        /// Whether batches may neither begin nor be added.
        var isClosed = false
        /// Whether the job has ended.
        var isDiscarded = false
        var lastTouch = ProcessInfo.processInfo.systemUptime

        /// The place that a batch would get now.
        ///
        /// - Throws: A 422 problem if the batch does not fit those that have come; 413 if the job would exceed its
        ///   limit.
        func place(_ part: JobPart, _ byteLimit: Int) throws(Problem) -> Batch {
            try check(classCount: part.shape.classCount, hasFloat64: part.hasFloat64)
            guard part.byteCount <= byteLimit - byteCount else {
                throw Problem(
                    .jobTooLarge, "What the job keeps of its batches would be more than is kept of results.",
                    expected: "at most \(byteLimit) bytes in all", actual: "\(byteCount + part.byteCount)",
                    limit: byteLimit)
            }
            return Batch(index: parts.count, firstImage: imageCount, shape: part.shape, notes: part.notes)
        }

        /// Stops batches from beginning and from being added.
        ///
        /// - Throws: A 409 problem if a batch is still arriving, if there was none, or if the job is finished already.
        mutating func beginClosing(_ id: JobID) throws(Problem) {
            try touch(id)
            guard arriving == 0 else {
                throw Problem(
                    .batchArriving, "\(arriving) of the job's batches are on their way.",
                    expected: "every batch answered", actual: "\(arriving) on their way"
                ).with(.retryAfter, "1")
            }
            guard !parts.isEmpty else {
                throw Problem(
                    .noBatches, "The job \(id) has no batches to run over.",
                    expected: "at least one batch",
                    actual: "none")
            }
            isClosed = true
        }

        /// Takes a batch into the job.
        mutating func add(_ part: JobPart) -> Batch {
            let batch = Batch(index: parts.count, firstImage: imageCount, shape: part.shape, notes: part.notes)
            kind = kind ?? (part.shape.classCount, part.hasFloat64)
            parts.append(part)
            imageCount += part.shape.imageCount
            byteCount += part.byteCount
            if let stored = part.stored { nextFile = max(nextFile, stored.file + 1) }
            if let key = part.key { keys[key] = .added(batch, part.fingerprint) }
            return batch
        }

        /// Proves that a batch fits those that have come.
        ///
        /// - Throws: A 422 problem if it does not.
        func check(classCount: Int, hasFloat64: Bool) throws(Problem) {
            guard let kind else { return }
            guard kind.classCount == classCount else {
                throw Problem(
                    .batchMismatch, "The batches before have another number of classes.",
                    parameter: "pred_probs", expected: "\(kind.classCount) classes", actual: "\(classCount)")
            }
            guard kind.hasFloat64 == hasFloat64 else {
                throw Problem(
                    .batchMismatch,
                    "The batches before have scores of another type: "
                        + "float64 scores cannot be in one array with others.",
                    parameter: "pred_probs",
                    expected: kind.hasFloat64 ? "float64" : "float16, bfloat16 or float32",
                    actual: hasFloat64 ? "float64" : "float16, bfloat16 or float32")
            }
        }

        /// Notes that something is being done with the job.
        ///
        /// - Throws: A 409 problem if the job takes no more batches.
        mutating func touch(_ id: JobID) throws(Problem) {
            guard !isClosed else { throw Problem.notOpen(id) }
            lastTouch = ProcessInfo.processInfo.systemUptime
        }
    }
}
