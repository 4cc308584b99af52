import DatasetScoring
import Foundation
import HTTPTypes
import JobStorage
import Jobs
import Scoring
import Synchronization
import Tensors
import WebService

/// A job that takes batches, and what has come of them.
final class OpenJob: Sendable {
    let id: JobID

    /// Those of all batches.
    let parameters: Parameters

    /// The most that the parts may take, in bytes.
    private let byteLimit: Int

    /// Never held while something is written: daemon threads take it.
    private let state: Mutex<State>

    /// Held by the one worker that adds a batch or closes the job, also while that is taken down; others that would do so wait.
    private let turn = Mutex(())

    /// - Parameters:
    ///   - parts: Those that came before, with their idempotency keys.
    init(
        _ id: JobID, _ parameters: Parameters, byteLimit: Int,
        parts: [(part: JobPart, key: String?, fingerprint: RequestFingerprint?)] = []
    ) {
        self.id = id
        self.parameters = parameters.sealed
        self.byteLimit = byteLimit
        var state = State()
        for (part, key, fingerprint) in parts { _ = state.add(part, key: key, fingerprint, notes: part.notes) }
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

    /// A batch is about to come.
    ///
    /// - Parameters:
    ///   - key: Its idempotency key.
    /// - Returns: The batch that came with this key before, which is not to be added again, and what its request is told from others
    ///   by, if that is known; nil for a new one.
    /// - Throws: 409 where the job is finished, or the batch of that key is on its way.
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

    /// Proves that a batch goes with those that are there.
    ///
    /// - Throws: 409 where the job takes no more; 422 where the number of classes or the type of scores is another.
    func check(classCount: Int, _ scalar: ElementType.Scalar) throws(Problem) {
        try state.withLock { (state) throws(Problem) in
            try state.touch(id)
            try state.check(classCount: classCount, hasFloat64: scalar == .float64)
        }
    }

    /// A batch is complete. Images number on in the order of these calls. For workers.
    ///
    /// - Parameters:
    ///   - record: Takes down that the batch is there; where it throws, it is not. Called by one worker at a time, since the next
    ///     batch may be taken down only after this one.
    /// - Throws: As ``check(classCount:_:)``; 413 where the job would grow beyond its limit; what `record` throws; 409 where the
    ///   job ended while the batch was taken down.
    func add(
        _ part: JobPart, key: String?, _ fingerprint: RequestFingerprint? = nil, notes: InputNotes = InputNotes(),
        record: (Batch) throws(Problem) -> Void = { _ in }
    ) throws(Problem) -> Batch {
        try turn.withLock { (_) throws(Problem) in
            let batch = try state.withLock { (state) throws(Problem) in
                try state.touch(id)
                return try state.place(part, byteLimit, notes)
            }
            try record(batch)
            return try state.withLock { (state) throws(Problem) in
                try state.touch(id)
                state.arriving -= 1
                return state.add(part, key: key, fingerprint, notes: notes)
            }
        }
    }

    /// A number for the files of one batch.
    func nextFile() -> Int {
        state.withLock { state in
            defer { state.nextFile += 1 }
            return state.nextFile
        }
    }

    /// A batch that was begun will not come.
    func abandon(key: String?) {
        state.withLock { state in
            state.arriving -= 1
            state.lastTouch = ProcessInfo.processInfo.systemUptime
            if let key { state.keys[key] = nil }
        }
    }

    /// No more batches.
    ///
    /// - Parameters:
    ///   - record: Takes that down; where it throws, more may come. Until it has returned none may. For workers.
    /// - Returns: The parts, which are handed over; at least one.
    /// - Throws: 409 where a batch is on its way, where there was none, or where the job is finished already; what `record`
    ///   throws.
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
                // What it had is gone where it ended meanwhile.
                guard !state.isDiscarded else { throw Problem.notOpen(id) }
                defer { state.parts = [] }
                return state.parts
            }
        }
    }

    /// The job has ended: lets go of all that it kept.
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
        /// What all batches have in common; nil while there is none.
        var kind: (classCount: Int, hasFloat64: Bool)?
        var nextFile = 0
        /// Batches on their way.
        var arriving = 0
        /// No batch may begin, or be added.
        var isClosed = false
        /// The job has ended.
        var isDiscarded = false
        var lastTouch = ProcessInfo.processInfo.systemUptime

        /// Where a batch would stand that was taken up now.
        ///
        /// - Throws: 422 where it does not go with those before; 413 where the job would grow beyond its limit.
        func place(_ part: JobPart, _ byteLimit: Int, _ notes: InputNotes) throws(Problem) -> Batch {
            try check(classCount: part.shape.classCount, hasFloat64: part.hasFloat64)
            guard part.byteCount <= byteLimit - byteCount else {
                throw Problem(
                    .jobTooLarge, "What the job keeps of its batches would be more than is kept of results.",
                    expected: "at most \(byteLimit) bytes in all", actual: "\(byteCount + part.byteCount)",
                    limit: byteLimit)
            }
            return Batch(index: parts.count, firstImage: imageCount, shape: part.shape, notes: notes)
        }

        /// No batch is taken from here on.
        ///
        /// - Throws: 409 where a batch is on its way, where there was none, or where the job is finished already.
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

        /// Takes a batch up.
        mutating func add(
            _ part: JobPart, key: String?, _ fingerprint: RequestFingerprint?, notes: InputNotes
        ) -> Batch {
            let batch = Batch(index: parts.count, firstImage: imageCount, shape: part.shape, notes: notes)
            kind = kind ?? (part.shape.classCount, part.hasFloat64)
            parts.append(part)
            imageCount += part.shape.imageCount
            byteCount += part.byteCount
            if case .stored(let stored) = part { nextFile = max(nextFile, stored.file + 1) }
            if let key { keys[key] = .added(batch, fingerprint) }
            return batch
        }

        /// - Throws: 422 where a batch does not go with those before.
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
                    "The batches before have scores of another type: float64 scores cannot be in one array with others.",
                    parameter: "pred_probs",
                    expected: kind.hasFloat64 ? "float64" : "float16 or float32",
                    actual: hasFloat64 ? "float64" : "float16 or float32")
            }
        }

        /// - Throws: 409 where the job takes nothing more.
        mutating func touch(_ id: JobID) throws(Problem) {
            guard !isClosed else { throw Problem.notOpen(id) }
            lastTouch = ProcessInfo.processInfo.systemUptime
        }
    }
}
