import Foundation
import HTTPTypes
import Jobs
import JobStorage
import ServiceInterface
import WebService

/// `GET /jobs/{id}/events`: the life of a job as server-sent events (WHATWG HTML, section 9.2).
extension Service {
    /// How often a job is looked at, in seconds.
    private static let eventInterval: TimeInterval = 0.25

    /// After how many looks without news a comment is sent, which shows whether the client is still there.
    private static let silentLooks = 40

    func showEvents(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        _ = try MediaType.negotiated(call.request.head.headerFields[.accept], offers: [.events])
        let queue = queue
        let isHead = call.request.head.method == .head
        return BodilessHandler { () throws(Problem) in
            do throws(JobError) {
                _ = try queue.job(id)
            } catch {
                throw Problem(error)
            }
            let stream = ByteStream()
            if !isHead { Self.follow(id, queue, into: stream) }
            var response = Response(.ok, .events, isHead ? ResponseBody() : ResponseBody(stream: stream))
            response.head.headerFields[.cacheControl] = "no-store"
            if let buffering = HTTPField.Name("X-Accel-Buffering") {
                // nginx would hold the events back until it has some kilobytes of them, or until the end.
                response.head.headerFields[buffering] = "no"
            }
            return response
        }
    }

    /// Writes a `progress` event now and after each change, and at the end an event named after the final status.
    ///
    /// - Parameters:
    ///   - last: The document that was sent last.
    ///   - silent: How many looks ago it was sent.
    private static func follow(
        _ id: JobID, _ queue: JobQueue<ScoreJob>, into stream: ByteStream, last: [UInt8] = [], silent: Int = 0
    ) {
        queue.whenFinal(id, timeout: last.isEmpty ? 0 : eventInterval) { job in
            guard !stream.isClosed else { return }
            // A job that was deleted has no more news.
            guard let job else { return stream.finish() }
            var writer = JSONWriter()
            JobDocument(job).write(to: &writer)
            let document = writer.text
            guard !job.status.isFinal else {
                stream.write(event(job.status.rawValue, document))
                return stream.finish()
            }
            var silent = silent + 1
            if document != last {
                stream.write(event("progress", document))
                silent = 0
            } else if silent >= silentLooks {
                stream.write(Array(": still here\n\n".utf8))
                silent = 0
            }
            follow(id, queue, into: stream, last: document, silent: silent)
        }
    }

    /// An event. The document is JSON without line breaks, so one `data` line holds it.
    private static func event(_ name: String, _ document: [UInt8]) -> [UInt8] {
        Array("event: \(name)\ndata: ".utf8) + document + Array("\n\n".utf8)
    }
}
