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
                let decisions = array == .mended ? try self.decisions(on: id).read() : DecisionLog()
                let areOneArray = scores.space != nil && scores.areLabelsOfOneType
                let parts: [String?] = [
                    id.description, array.rawValue, image.map { "image\($0)" },
                    array == .mended ? "decisions\(decisions.count)" : nil,
                ]
                let wanted = PixelArrays(
                    name: array.rawValue, image: image, format: format, accept: accept,
                    tag: parts.compactMap(\.self).joined(separator: "."), areOneArray: areOneArray)
                return try wanted.response(to: head, of: scores, job.details.names) { (image) throws(Problem) in
                    switch array {
                    case .labels: try .given(of: scores, image: image)
                    case .predicted: try .predicted(of: scores, image: image)
                    case .mended: try self.mended(job, scores, decisions, image: image)
                    }
                }
            }
        })
    }

    /// The labels of an image, or of all, as reviewers have mended them.
    ///
    /// - Throws: A 400 problem if there is no such image; 503 if memory is short.
    private func mended(
        _ job: Job<ScoreJob>, _ scores: DatasetScores, _ decisions: DecisionLog, image: Int?
    ) throws(Problem) -> ArrayAnswer {
        // This proves that the image is there.
        let given = try ArrayAnswer.given(of: scores, image: image)
        let wrong = Dictionary(
            grouping: decisions.lastWords(ofImage: image).filter { $0.verdict == .wrong }, by: \.place.image)
        let images = image.map { $0..<$0 + 1 } ?? 0..<scores.imageCount
        let pieces = try images.map { (image) throws(Problem) in
            let (part, index) = scores.locate(image)
            let plane = part.shape.pixelsPerImage
            guard let decisions = wrong[image] else { return (part.given, index * plane..<(index + 1) * plane) }
            return (try mended(job, scores, decisions, ofImage: image), 0..<plane)
        }
        return .classes(pieces, shape: given.layout.shape)
    }

    /// - Parameter decisions: Those of the image that say that a label is wrong.
    private func mended(
        _ job: Job<ScoreJob>, _ scores: DatasetScores, _ decisions: [Decision], ofImage image: Int
    ) throws(Problem) -> ClassCodes {
        let (part, index) = scores.locate(image)
        let labels = try Problem.scoring { () throws(ScoringError) in try MendedLabels(of: part, image: index) }
        for decision in decisions {
            let place = decision.place
            let found = try regions(of: job, scores, place.kind).regions
            // It was there when it was decided about, and arrays of jobs do not change.
            guard let region = found.region(ofImage: image, firstPixel: place.firstPixel) else { continue }
            let mask = try Problem.scoring { () throws(ScoringError) in
                try RegionMask(region, of: place.kind, in: part, image: index)
            }
            labels.set(mask, to: decision.label ?? decision.suggested)
        }
        return labels.classes
    }
}
