import DatasetScoring
import Exports
import Jobs
import JobStorage
import Memory
import Scoring
import WebService

/// The images of a job, as an export asks for them.
struct MaskExport: Sendable {
    /// What is exported. The raw values are the wire's.
    enum Content: String, CaseIterable {
        case given
        case mended
        case regions

        /// The same in the words of exports.
        var format: ExportContent { self == .regions ? .regions : .masks }
    }

    let service: Service
    let content: Content
    let job: Job<ScoreJob>
    let scores: DatasetScores
    /// The last words on regions, those of the kind that is exported if regions are.
    let decisions: [Int: [Decision]]
    let pictures: JobPictures?

    /// Gives an image.
    ///
    /// - Throws: ``ExportError/source(_:)`` with a problem, or ``ExportError/memory(_:)``.
    func image(_ index: Int, _ demand: ExportDemand) throws(ExportError) -> ExportedImage {
        do throws(Problem) {
            return try make(index, demand)
        } catch {
            throw .source(error)
        }
    }

    private func make(_ index: Int, _ demand: ExportDemand) throws(Problem) -> ExportedImage {
        let part = scores.locate(index).part
        let name = job.details.names?[index]
        let picture = try pictures.flatMap { (pictures) throws(Problem) -> ExportedImage.Picture? in
            guard let suffix = pictures.suffix(named: name, image: index) else { return nil }
            let bytes = demand.contains(.picture) ? try pictures.picture(named: name, image: index).bytes : nil
            return ExportedImage.Picture(suffix: suffix, bytes: bytes)
        }
        let wantsMasks = demand.contains(.masks)
        return ExportedImage(
            index: index, name: name ?? PixelArrays.number(index), width: part.shape.width,
            height: part.shape.labels.height, picture: picture,
            labels: wantsMasks && content != .regions ? try labels(index) : nil,
            regions: wantsMasks && content == .regions ? try regions(index, in: part.shape.labels) : [])
    }

    private func labels(_ index: Int) throws(Problem) -> Buffer<UInt16> {
        let words = content == .mended ? decisions[index] ?? [] : []
        let labels = try service.mendedLabels(ofImage: index, of: job, scores, words)
        return try Problem.scoring { () throws(ScoringError) in try labels.wide() }
    }

    private func regions(_ index: Int, in shape: LabelShape) throws(Problem) -> [ExportedRegion] {
        var exported: [ExportedRegion] = []
        for decision in decisions[index] ?? [] {
            guard let (region, mask) = try service.region(of: decision, job, scores) else { continue }
            exported.append(
                ExportedRegion(
                    id: RegionDocument.id(image: index, firstPixel: region.firstPixel, in: shape),
                    given: decision.given, suggested: decision.suggested,
                    label: decision.label ?? (decision.verdict == .fine ? decision.given : decision.suggested),
                    verdict: decision.verdict.rawValue, mass: region.mass,
                    meanOwn: region.own / Double(region.area), mask: mask))
        }
        return exported
    }
}
