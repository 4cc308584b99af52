import DatasetScoring
import Exports
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
import ServiceInterface
import Synchronization
import WebService

/// The endpoint that hands masks to annotation tools.
extension Service {
    /// `GET /jobs/{id}/export`
    func exportJob(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        _ = try MediaType.negotiated(call.request.head.headerFields[.accept], offers: [.zip])
        let parameters = try Parameters(
            target: call.request.head.path ?? "",
            known: RegionQuery.namesOfKind + ["format", "content", "class_names", "polygons"])
        let query = try RegionQuery(parameters)
        guard let format: ExportFormat = try parameters.choice("format") else {
            throw .invalidParameter(
                "format", expected: ExportFormat.allCases.map(\.rawValue).joined(separator: ", "), actual: "")
        }
        let content: MaskExport.Content = try parameters.choice("content") ?? .mended
        let named = try parameters.texts("class_names")
        let options = ExportOptions(polygons: try parameters.boolean("polygons") ?? false)
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                guard scores.parts.allSatisfy({ $0.shape.labels.space.count == 2 }) else {
                    throw Problem(
                        .notDrawable,
                        "Annotation tools take images of two dimensions, and those of the job have others.",
                        expected: "a job of (N, H, W)", actual: "a job of volumes or sequences")
                }
                let names = named ?? job.details.parameters.names.classes?.all ?? []
                if !names.isEmpty { try NameParameters.check(classNames: names.count, classCount: scores.classCount) }
                let kind = content == .regions ? try query.kind(job, scores) : nil
                let words = content == .given ? [] : try self.decisions(on: id).read().lastWords()
                let export = MaskExport(
                    service: self, content: content, job: job, scores: scores,
                    decisions: Dictionary(
                        grouping: words.filter { $0.place.kind == kind ?? $0.place.kind }, by: \.place.image),
                    pictures: try self.pictures(of: job, scores))
                let classes = ExportClasses(
                    count: scores.classCount,
                    names: Dictionary(uniqueKeysWithValues: names.enumerated().map { ($0, $1) }))
                return try Self.zip(
                    ExportArchive(
                        format, of: content.format, classes: classes, imageCount: scores.imageCount, options: options,
                        source: export.image))
            }
        })
    }

    /// An archive that is written while it is sent. What is wrong with its first piece is told; a fault in a later one
    /// cuts the archive off.
    private static func zip(_ archive: consuming ExportArchive) throws(Problem) -> Response {
        let first: [UInt8]?
        do throws(ExportError) {
            first = try archive.next()
        } catch {
            throw Problem(error)
        }
        let state = Mutex(ExportState(archive: archive, first: first))
        let stream = ByteStream(pieces: { () throws(ByteStream.CutOff) in
            try state.withLock { (state) throws(ByteStream.CutOff) in
                if let first = state.first.take() { return first }
                do throws(ExportError) {
                    return try state.archive.next()
                } catch {
                    throw ByteStream.CutOff()
                }
            }
        })
        return Response(.ok, .zip, ResponseBody(stream: stream))
    }
}

/// An archive, and its first piece until that is sent.
private struct ExportState: ~Copyable, Sendable {
    var archive: ExportArchive
    var first: [UInt8]?
}

extension Problem {
    /// The problem that an export's error is to a client.
    fileprivate init(_ error: ExportError) {
        switch error {
        case .memory(let error): self.init(error)
        case .codec(let error): self.init(error)
        case .source(let error): self = error as? Problem ?? Problem(.internalError, "An image cannot be exported.")
        case .tooManyPixels(let width, let height, let limit):
            self.init(
                .notDrawable, "An image of \(width) × \(height) pixels is larger than annotation tools can count.",
                expected: "at most \(limit) pixels an image", actual: "\(width) × \(height)")
        }
    }
}
