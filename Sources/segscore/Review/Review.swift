import Dispatch
import Files
import Foundation
import Glibc
import HTTPTypes
import Memory
import ScoringService
import Synchronization
import WebService

/// A review: a job that is scored, kept while people decide, and whose mended masks are written at the end.
final class Review: Sendable {
    private struct State {
        var client: LocalClient?
        /// The path of the job, once it is there.
        var job: String?
        var hasFailed = false
    }

    private let request: ReviewRequest
    private let out: String
    private let opensBrowser: Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - out: The path of the folder for mended masks.
    init(_ request: ReviewRequest, out: String, opensBrowser: Bool) {
        (self.request, self.out, self.opensBrowser) = (request, out, opensBrowser)
    }

    var hasFailed: Bool { state.withLock { $0.hasFailed } }

    /// Begins to score, and tells the address of the page when that is done.
    func begin(_ client: LocalClient, at addresses: [String]) {
        state.withLock { $0.client = client }
        DispatchQueue(label: "segscore.review").async { [self] in
            do throws(ReviewFailure) {
                let job = try score(client)
                state.withLock { $0.job = job }
                let address = "http://\(addresses.first ?? "")/#\(job)"
                print("review at \(address)")
                print("Ctrl-C ends it, and writes the mended masks.")
                _ = StandardStreams.areWritten()
                if opensBrowser { Self.open(address) }
            } catch {
                StandardStreams.complain("segscore: \(error.sentence)".onOneLine + "\n")
                state.withLock { $0.hasFailed = true }
                kill(getpid(), SIGTERM)
            }
        }
    }

    /// What is read of a job.
    private struct Standing: Decodable {
        struct Progress: Decodable { let fraction: Double? }

        let status: String
        let progress: Progress
        let error: LocalClient.Fault?
    }

    /// Scores the folders, unless they were scored before, and keeps the job.
    ///
    /// - Returns: The path of the job.
    private func score(_ client: LocalClient) throws(ReviewFailure) -> String {
        let fields: HTTPFields = [
            .contentType: "application/json", .prefer: "respond-async", .idempotencyKey: request.key,
        ]
        let first = client.send(.post, "/score", fields, body: request.body)
        guard let job = first.fields[.location] else {
            throw ReviewFailure(
                sentence: first.decoded(as: LocalClient.Fault.self)?.detail ?? "The folders cannot be scored.")
        }
        var bar = ProgressBar()
        defer { bar.clear() }
        while true {
            guard let standing = client.send(.get, "\(job)?wait=1").decoded(as: Standing.self) else {
                throw ReviewFailure(sentence: "The job is gone.")
            }
            if standing.status == "succeeded" { break }
            if let fault = standing.error { throw ReviewFailure(sentence: fault.detail) }
            if standing.status == "canceled" { throw ReviewFailure(sentence: "The job was canceled.") }
            bar.show(standing.progress.fraction ?? 0)
        }
        guard client.send(.post, "\(job)/keep").status == 200 else {
            throw ReviewFailure(
                sentence: "The results are no longer there: remove the folder that keeps the decisions.")
        }
        return job
    }

    private static func open(_ address: String) {
        let variables = ProcessInfo.processInfo.environment
        guard variables["DISPLAY"] != nil || variables["WAYLAND_DISPLAY"] != nil else { return }
        let browser = Process()
        browser.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        browser.arguments = ["xdg-open", address]
        browser.standardOutput = FileHandle.nullDevice
        browser.standardError = FileHandle.nullDevice
        // The address stands on the terminal too.
        try? browser.run()
    }

    /// Writes the masks that were mended.
    func end() {
        let (client, job) = state.withLock { ($0.client, $0.job) }
        guard let client, let job else { return }
        do throws(ReviewFailure) {
            let images = try mendedImages(client, job)
            for (image, name) in images.sorted(by: { $0.key < $1.key }) {
                try write(image, name ?? String(image), client, job)
            }
            print(images.isEmpty ? "no mask was mended" : "wrote \(images.count) mended masks to \(out)/".onOneLine)
        } catch {
            StandardStreams.complain("segscore: \(error.sentence)".onOneLine + "\n")
            state.withLock { $0.hasFailed = true }
        }
    }

    /// What is read of a page of decisions.
    private struct Page: Decodable {
        struct Decision: Decodable {
            let image: Int
            let name: String?
            let verdict: String
        }

        let decisions: [Decision]
        let next: String?
    }

    /// The images of which a region is wrong, with what they are called.
    private func mendedImages(_ client: LocalClient, _ job: String) throws(ReviewFailure) -> [Int: String?] {
        var (images, next) = ([Int: String?](), String?.some("0"))
        while let cursor = next {
            let page = client.send(.get, "\(job)/decisions?limit=10000&cursor=\(cursor)").decoded(as: Page.self)
            guard let page else { throw ReviewFailure(sentence: "The decisions cannot be read.") }
            for decision in page.decisions where decision.verdict == "wrong" { images[decision.image] = decision.name }
            next = page.next
        }
        return images
    }

    private func write(_ image: Int, _ name: String, _ client: LocalClient, _ job: String) throws(ReviewFailure) {
        // Volumes are no pictures.
        let forms = [("image/png", "png"), ("application/x-npy", "npy")]
        for (type, suffix) in forms {
            let answer = client.send(.get, "\(job)/mended?image=\(image)", [.accept: type])
            guard answer.status == 200 else { continue }
            let slash = name.lastIndex(of: "/")
            let folder = out + (slash.map { "/" + name[..<$0] } ?? "")
            let file = (slash.map { String(name[name.index(after: $0)...]) } ?? name) + "." + suffix
            do throws(FileError) {
                let bytes = try FileError.wrapping { () throws(MemoryError) in try Buffer(answer.body) }
                try OutputFolder(path: folder).write(file, [(bytes, 0..<bytes.count)])
            } catch {
                throw ReviewFailure(sentence: Problem(error).detail)
            }
            return
        }
        throw ReviewFailure(sentence: "The mended mask of \(name) cannot be read.")
    }
}
