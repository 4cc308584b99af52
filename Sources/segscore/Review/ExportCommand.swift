import ArgumentParser
import Files
import Foundation
import Glibc
import HTTPTypes
import ServiceInterface
import WebService

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes the masks of a review as annotation tools read them.",
        discussion: """
            Takes the latest review that `segscore review` has kept in MASKS.review, while no review is open there, and \
            writes a zip. A server answers the same at /jobs/ID/export.
            """)

    @Argument(help: "The folder of masks that was reviewed.")
    var masks: String

    @Argument(help: "The folder of the images, if the review had one: they go into the zip.")
    var images: String?

    @Option(help: "coco, cvat-mask, cvat, label-studio, datumaro, labelme, geojson or fiftyone.")
    var format: String

    @Option(help: "given or mended masks, or the regions alone that were decided about.")
    var content = "mended"

    @Option(help: "What the classes are called, with commas between; by default their numbers.")
    var classNames: String?

    @Flag(help: "With coco, outlines in place of runs.")
    var polygons = false

    @Option(help: "Where decisions are kept; by default MASKS.review.")
    var state: String?

    @Option(help: "The zip that is written; by default MASKS.FORMAT.zip.")
    var out: String?

    func run() throws {
        let masks = ReviewedFolder(masks)
        let state = state ?? masks.statePath
        guard FileManager.default.fileExists(atPath: state) else {
            throw ValidationError("There is no \(state): `segscore review` begins a review.")
        }
        var arguments = ["--listen", "private", "--state-dir", state, "--log-level", "error"]
        if let images { arguments += ["--data-dir", "images=\(ReviewedFolder(images).path)"] }
        let out = out ?? "\(masks.path).\(format).zip"
        var failure: ReviewFailure?
        try ServeCommand.parse(arguments).run(
            whenListening: { server, _ in
                do throws(ReviewFailure) {
                    try export(LocalClient(server), to: out)
                    print("wrote \(out)".onOneLine)
                } catch {
                    failure = error
                }
                kill(getpid(), SIGTERM)
            }, beforeStop: {})
        if let failure { throw ValidationError(failure.sentence) }
    }

    /// What is read of a list of jobs.
    private struct Jobs: Decodable {
        struct Job: Decodable {
            struct Parameters: Decodable { let images: String? }

            let id: String
            let parameters: Parameters
        }

        let jobs: [Job]
    }

    private func export(_ client: LocalClient, to path: String) throws(ReviewFailure) {
        let list = client.send(.get, "/jobs?status=succeeded&limit=1").decoded(as: Jobs.self)
        guard let job = list?.jobs.first else { throw ReviewFailure(sentence: "No folders have been reviewed there.") }
        guard images != nil || job.parameters.images == nil else {
            throw ReviewFailure(sentence: "The review shows images: name their folder too, behind the masks.")
        }
        var query = ["format": format, "content": content]
        query["class_names"] = classNames
        query["polygons"] = polygons ? "true" : nil
        let pairs = query.sorted { $0.key < $1.key }.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }
        let response = client.ask(.get, "/jobs/\(job.id)/export?" + pairs.joined(separator: "&"))
        guard response.head.status.code == 200 else {
            let fault = LocalClient.Answer(response).decoded(as: LocalClient.Fault.self)
            throw ReviewFailure(sentence: fault?.detail ?? "The masks cannot be exported.")
        }
        try write(LocalClient.Body(response), to: path)
    }

    private func write(_ body: LocalClient.Body, to path: String) throws(ReviewFailure) {
        let file = URL(fileURLWithPath: path)
        var (body, isCut) = (body, false)
        do throws(FileError) {
            try OutputFolder(path: file.deletingLastPathComponent().path).write(file.lastPathComponent) {
                () throws(FileError) in
                do throws(ByteStream.CutOff) {
                    return try body.next()
                } catch {
                    isCut = true
                    throw .endOfFile(path: path)
                }
            }
        } catch {
            throw ReviewFailure(
                sentence: isCut
                    ? "An image or a mask can no longer be read, and nothing was written." : Problem(error).detail)
        }
    }
}
