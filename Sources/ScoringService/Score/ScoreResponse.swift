import Codecs
import DatasetScoring
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
import ServiceInterface
import WebService

/// The answer of a scoring that succeeded: its arrays, in the format that the client asked for.
struct ScoreResponse {
    private let job: Job<ScoreJob>
    private let scores: DatasetScores

    /// - Throws: A 409 or 410 problem if the job has no output.
    init(_ job: Job<ScoreJob>) throws(Problem) {
        self.job = job
        scores = try job.openedOutput()
    }

    /// The arrays in a format.
    ///
    /// - Throws: A 400 problem if `include` does not fit the format; 503 if memory is short.
    func response(in format: MediaType) throws(Problem) -> Response {
        let included = try job.details.parameters.included(in: format)
        var response: Response
        switch format {
        case .npy: response = try .npy(try arrays(of: included[0], isOne: true)[0])
        case .npz: response = try archive(of: included)
        default:
            let listed = included.contains { $0 != .imageScores } && isOfImages ? scores.imageCount : 0
            let byteCount = listed * included.count * PixelArrays.bytesOfAnImage
            response = try Problem.reserving(byteCount) { () throws(Problem) in
                let named = try included.map { (name) throws(Problem) in (name, try arrays(of: name, isOne: false)) }
                return try .json(holding: byteCount) { document(&$0, named) }
            }
        }
        response.head.headerFields[.location] = "/jobs/\(job.id)"
        return response
    }

    private var isOfImages: Bool { scores.haveArraysOfImages(job.details.folderNames) }

    /// The arrays that stand for one: that of all images, or, of images of several sizes, those of each.
    ///
    /// - Throws: A 406 problem if there are several, and it has to be one; 503 if memory is short.
    private func arrays(of name: ScoreParameters.Array, isOne: Bool) throws(Problem) -> [ArrayAnswer] {
        let threshold = job.details.parameters.threshold ?? 0
        guard name != .imageScores, scores.space == nil else {
            return [try scores.elements(name, threshold: threshold)]
        }
        if isOne { _ = try PixelArrays.formatOfSeveral(.npy, MediaType.npy.rawValue) }
        return try (0..<scores.imageCount).map { (image) throws(Problem) in
            try scores.elements(name, threshold: threshold, image: image)
        }
    }

    /// An archive with an array of each name, or of each name and image.
    private func archive(of included: [ScoreParameters.Array]) throws(Problem) -> Response {
        let arrays = { () throws(Problem) in
            try scores.named(included, threshold: job.details.parameters.threshold ?? 0, job.details.folderNames)
        }
        guard isOfImages else { return try .npz(try arrays()) }
        let reservation = try Problem.reserve(scores.imageCount * included.count * PixelArrays.bytesOfAnImage)
        return try .npz(try arrays(), reservation)
    }

    /// The answer to a client that does not wait.
    static func accepted(_ job: Job<ScoreJob>, retryAfter: String) -> Response {
        var response = Response.done(.accepted) { JobDocument(job).write(to: &$0) }
        response.head.headerFields[.location] = "/jobs/\(job.id)"
        response.head.headerFields[.retryAfter] = retryAfter
        return response
    }

    private func document(_ writer: inout JSONWriter, _ arrays: [(ScoreParameters.Array, [ArrayAnswer])]) {
        writer.object { members in
            members.string("job", job.id.description)
            members.string("method", job.details.parameters.method.rawValue)
            JobDocument.write(job.details.shape, to: &members)
            job.details.notes.writeAny(to: &members)
            if let names = job.details.names { members.manyStrings("names", names.all) }
            for (name, arrays) in arrays {
                if name == .imageScores || scores.space != nil {
                    members.elements(name.rawValue, arrays[0])
                } else {
                    members.list(name.rawValue, arrays)
                }
            }
            JobDocument.writeLinks(job, to: &members)
        }
    }
}
