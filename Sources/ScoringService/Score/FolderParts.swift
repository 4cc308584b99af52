import DatasetScoring
import Jobs
import JobStorage
import Memory
import Scoring
import Synchronization
import WebService

/// Makes the parts of a job of the images in two folders, one of each image.
struct FolderParts {
    private let service: Service
    private let job: JobID
    private let parameters: ScoreParameters

    init(_ service: Service, _ job: JobID, _ parameters: ScoreParameters) {
        self.service = service
        self.job = job
        self.parameters = parameters
    }

    private struct State {
        var parts: [JobPart?]
        var notes: InputNotes
        var byteCount = 0
        var doneCount = 0
    }

    /// Reads the images, scores them if the score of each depends on no other, and adds to the job what is known of
    /// them.
    ///
    /// - Parameters:
    ///   - isCancelled: Is asked at least once per image.
    /// - Returns: Nil if the work was canceled.
    /// - Throws: The problem of a file, which it names; 413 if more would be kept than is kept of results.
    func parts(of images: FolderImages, isCancelled: () -> Bool) throws(Problem) -> [JobPart]? {
        try parameters.names.checkImagesHaveNone("Images that are files of folders have the names of these files.")
        try parameters.images?.check(imageCount: images.count)
        service.queue.update(job, imagesTotal: images.count) { $0.folderNames = images.names }
        let state = Mutex(State(parts: [JobPart?](repeating: nil, count: images.count), notes: images.notes))
        let byteLimit = service.limits.resultBytes
        let isAlone = parameters.method.type.scoresEachImageAlone
        let isComplete = try images.read(parameters, in: service.configuration.places, isCancelled: isCancelled) {
            (image) throws(Problem) in
            // Labels are proved here, where their file is known.
            let part = JobPart(try parameters.images(of: image.pixels, on: .serial))
            let doneCount = try state.withLock { (state) throws(Problem) in
                state.byteCount += part.byteCount
                guard state.byteCount <= byteLimit else { throw .tooLarge(state.byteCount, byteLimit) }
                state.parts[image.index] = part
                state.notes.add(image.notes)
                state.doneCount += 1
                return state.doneCount
            }
            // What has to be looked at together is done only then.
            if isAlone, doneCount < images.count { service.queue.update(job, imagesDone: doneCount) }
        }
        guard isComplete else { return nil }
        let (parts, notes) = state.withLock { state in
            defer { state.parts = [] }
            return (state.parts.compactMap(\.self), state.notes)
        }
        service.queue.update(job) { details in
            (details.shape, details.notes) = (ScoreJob.Shape(parts.map(\.shape)), notes)
        }
        return parts
    }
}

extension Problem {
    fileprivate static func tooLarge(_ byteCount: Int, _ limit: Int) -> Problem {
        Problem(
            .jobTooLarge, "What the job keeps of the folder's images would be more than is kept of results.",
            expected: "at most \(limit) bytes in all", actual: "\(byteCount) and more", limit: limit)
    }
}
