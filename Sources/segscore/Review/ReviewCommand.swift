import ArgumentParser
import Files
import Foundation
import Glibc
import HTTPTypes
import ServiceInterface
import Synchronization
import WebService

struct ReviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "review", abstract: "Scores folders, and opens the page on which their masks are mended.",
        discussion: """
            What is decided is kept in MASKS.review beside the folder of masks, so that a review goes on where it was left. \
            When it ends (Ctrl-C), the masks that were mended are written to MASKS.mended; the given ones stay as they are.
            """)

    @Argument(help: "A folder of masks, one an image, or FOLDER/*SUFFIX in quotes, where the star is the name.")
    var masks: String

    @Argument(help: "A folder of predicted probabilities or logits, of the names that the masks have.")
    var probabilities: String

    @Argument(
        help: "A folder of the images, as PNG, JPEG or WebP, of the same names. They can be opened on the page too.")
    var images: String?

    @OptionGroup var scoring: ScoringOptions

    @Option(help: "The address of the page.")
    var listen = "127.0.0.1:0"

    @Option(help: "Where decisions are kept; by default MASKS.review.")
    var state: String?

    @Option(help: "Where mended masks are written; by default MASKS.mended.")
    var out: String?

    @Flag(help: "Opens no browser.")
    var noOpen = false

    func run() throws {
        let folders = ["masks": masks, "probabilities": probabilities, "images": images].compactMapValues { $0 }
            .mapValues(ReviewedFolder.init)
        guard let masks = folders["masks"] else { preconditionFailure("masks are an argument that has to be there") }
        let state = state ?? masks.statePath
        let request = ReviewRequest(folders, scoring.parameters(method: "margin", read: "all"))
        var arguments = ["--listen", listen, "--state-dir", state, "--log-level", "warning"]
        for (name, folder) in folders.sorted(by: { $0.key < $1.key }) {
            arguments += ["--data-dir", "\(name)=\(folder.path)"]
        }
        do throws(FileError) {
            _ = try OutputFolder(path: state)
        } catch {
            throw ValidationError(Problem(error).detail)
        }
        let review = Review(request, out: out ?? masks.path + ".mended", opensBrowser: !noOpen)
        try ServeCommand.parse(arguments).run(
            whenListening: { server, addresses in review.begin(LocalClient(server), at: addresses) },
            beforeStop: { review.end() })
        guard !review.hasFailed else { throw ExitCode.failure }
    }
}

/// A folder of a review: where it is, and which of its files are of images.
struct ReviewedFolder {
    /// The path of the folder, without slashes behind it.
    let path: String
    /// What stands for the names of files, `*_mask.png`; empty if every file has its own name.
    let pattern: String

    init(_ text: String) {
        let slash = text.lastIndex(of: "/")
        let last = slash.map { text[text.index(after: $0)...] } ?? text[...]
        let hasPattern = last.contains("*")
        pattern = hasPattern ? String(last) : ""
        let folder = hasPattern ? slash.map { String(text[..<$0]) } ?? "." : text
        path = URL(fileURLWithPath: folder).standardizedFileURL.path
    }

    /// Where decisions about masks of the folder are kept, if nobody says.
    var statePath: String { path + ".review" }

    /// What the folder is called in a request.
    func text(_ name: String) -> String { pattern.isEmpty ? name : "\(name)/\(pattern)" }

    /// The sizes and times of the files that lie in the folder and beneath it, as a text.
    var state: String {
        let keys: [URLResourceKey] = [.fileSizeKey, .contentModificationDateKey, .isRegularFileKey]
        let files = FileManager.default.enumerator(
            at: URL(fileURLWithPath: path), includingPropertiesForKeys: keys, options: [.skipsHiddenFiles])
        var lines: [String] = []
        while let file = files?.nextObject() as? URL {
            guard let values = try? file.resourceValues(forKeys: Set(keys)), values.isRegularFile == true else {
                continue
            }
            let date = values.contentModificationDate?.timeIntervalSinceReferenceDate ?? 0
            lines.append("\(file.path) \(values.fileSize ?? 0) \(date)")
        }
        return lines.sorted().joined(separator: "\n")
    }
}

/// The request that a review begins with.
struct ReviewRequest: Sendable {
    /// A JSON object.
    let body: [UInt8]

    /// What tells the request from one for other files or parameters: the same review goes on.
    let key: String

    init(_ folders: [String: ReviewedFolder], _ parameters: [String: String]) {
        var writer = JSONWriter()
        writer.object { members in
            for (array, name) in [("labels", "masks"), ("pred_probs", "probabilities")] {
                guard let folder = folders[name] else { continue }
                members.object(array) { $0.string("folder", folder.text(name)) }
            }
            members.string("images", folders["images"]?.text("images"))
            for (name, value) in parameters.sorted(by: { $0.key < $1.key }) { members.string(name, value) }
        }
        body = writer.text
        let states = folders.sorted { $0.key < $1.key }.map(\.value.state)
        let text = (states + [String(decoding: body, as: UTF8.self)]).joined(separator: "\n")
        key = "review-" + SHA256(Array(text.utf8)).hexadecimal(16)
    }
}
