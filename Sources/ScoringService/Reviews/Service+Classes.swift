import DatasetScoring
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
import ServiceInterface
import WebService

/// A class for each pixel. The raw values are the wire's.
enum ClassArray: String, CaseIterable {
    /// The labels that the job was given.
    case labels
    /// What the model would label.
    case predicted
    /// The labels, in which regions that are wrong have the class that a reviewer gave them.
    case mended
}

/// The endpoints for the classes of pixels.
extension Service {
    /// `GET /jobs/{id}/labels`, `/predicted`, `/mended`
    func showClasses(_ array: ClassArray, of id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        let head = call.request.head
        let parameters = try Parameters(target: head.path ?? "", known: ["image"])
        let image = try parameters.integer("image", in: 0...Int(Int32.max))
        let accept = head.headerFields[.accept]
        let format = try PixelArrays.format(accept, image: image, zips: true)
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let log = array == .mended ? try self.decisions(on: id).read() : DecisionLog()
                let words = Dictionary(grouping: log.lastWords(ofImage: image), by: \.place.image)
                let areOneArray = scores.space != nil && scores.areLabelsOfOneType
                let parts: [String?] = [
                    id.description, array.rawValue, image.map { "image\($0)" },
                    array == .mended ? "decisions\(log.count)" : nil,
                ]
                let wanted = PixelArrays(
                    name: array.rawValue, image: image, format: format, accept: accept,
                    tag: parts.compactMap(\.self).joined(separator: "."), areOneArray: areOneArray)
                return try wanted.response(to: head, of: scores, job.details.names) { (image) throws(Problem) in
                    switch array {
                    case .labels: try .given(of: scores, image: image)
                    case .predicted: try .predicted(of: scores, image: image)
                    case .mended: try self.mended(job, scores, words, image: image)
                    }
                }
            }
        })
    }

    /// The labels of an image, or of all, as reviewers have mended them.
    ///
    /// - Parameter words: The last words on the regions of each image.
    /// - Throws: A 400 problem if there is no such image; 503 if memory is short.
    private func mended(
        _ job: Job<ScoreJob>, _ scores: DatasetScores, _ words: [Int: [Decision]], image: Int?
    ) throws(Problem) -> ArrayAnswer {
        // This proves that the image is there.
        let given = try ArrayAnswer.given(of: scores, image: image)
        let images = image.map { $0..<$0 + 1 } ?? 0..<scores.imageCount
        let pieces = try images.map { (image) throws(Problem) in
            let (part, index) = scores.locate(image)
            let plane = part.shape.pixelsPerImage
            guard let words = words[image], words.contains(where: { $0.verdict == .wrong }) else {
                return (part.given, index * plane..<(index + 1) * plane)
            }
            return (try mendedLabels(ofImage: image, of: job, scores, words).classes, 0..<plane)
        }
        return .classes(pieces, shape: given.layout.shape)
    }

    /// The labels of an image, of which regions that are wrong have their new class.
    ///
    /// - Parameter words: The last words on the image's regions.
    /// - Throws: A 503 problem if memory is short.
    func mendedLabels(
        ofImage image: Int, of job: Job<ScoreJob>, _ scores: DatasetScores, _ words: [Decision]
    ) throws(Problem) -> MendedLabels {
        let (part, index) = scores.locate(image)
        let labels = try Problem.scoring { () throws(ScoringError) in try MendedLabels(of: part, image: index) }
        for word in words where word.verdict == .wrong {
            guard let (_, mask) = try region(of: word, job, scores) else { continue }
            labels.set(mask, to: word.label ?? word.suggested)
        }
        return labels
    }

    /// The region that was decided about, and its pixels. It was there when it was decided about, and arrays of jobs do
    /// not change.
    ///
    /// - Throws: A 503 problem if memory is short.
    func region(
        of decision: Decision, _ job: Job<ScoreJob>, _ scores: DatasetScores
    ) throws(Problem) -> (Region, RegionMask)? {
        let place = decision.place
        let found = try regions(of: job, scores, place.kind).regions
        guard let region = found.region(ofImage: place.image, firstPixel: place.firstPixel) else { return nil }
        let (part, index) = scores.locate(place.image)
        let mask = try Problem.scoring { () throws(ScoringError) in
            try RegionMask(region, of: place.kind, in: part, image: index)
        }
        return (region, mask)
    }
}
