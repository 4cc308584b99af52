import DatasetScoring
import Foundation
import Jobs
import JobStorage
import Scoring
import WebService

/// The JSON document that describes a job.
struct JobDocument {
    private let job: Job<ScoreJob>

    init(_ job: Job<ScoreJob>) {
        self.job = job
    }

    func write(to writer: inout JSONWriter) {
        writer.object { write(to: &$0) }
    }

    func write(to members: inout JSONWriter.Members) {
        let parameters = job.details.parameters
        members.string("id", job.id.description)
        members.string("status", job.status.rawValue)
        members.string("method", parameters.method.rawValue)
        members.object("parameters") { members in
            members.string("method", parameters.method.rawValue)
            members.number("temperature", parameters.temperature)
            members.integer("downsample", parameters.downsample)
            members.number("threshold", parameters.threshold)
            parameters.labels.write(to: &members)
            if let output = parameters.output { members.string("output", output) }
            parameters.images?.write(to: &members)
            if let classCount = parameters.classCount { members.integer("classes", classCount) }
            if let colours = parameters.coloursText { members.string("colors", colours) }
            if let reading = parameters.reading { members.string("read", reading.rawValue) }
            if let activation = parameters.activation { members.string("activation", activation.rawValue) }
            if let normalization = parameters.normalization { members.string("normalize", normalization.rawValue) }
            parameters.sampling.write(to: &members)
            if let classes = parameters.names.classes { members.strings("class_names", classes.all) }
        }
        Self.write(job.details.shape, to: &members)
        job.details.notes.write(to: &members)
        members.object("progress") { members in
            members.integer("images_done", job.progress.imagesDone)
            members.integer("images_total", job.progress.imagesTotal)
            members.number("fraction", job.progress.fraction)
        }
        members.string("created_at", Self.text(job.createdAt))
        members.string("started_at", job.startedAt.map(Self.text))
        members.string("finished_at", job.finishedAt.map(Self.text))
        members.string("expires_at", job.expiresAt.map(Self.text))
        members.raw("error") { text in
            text.append(contentsOf: job.failure.map(\.document) ?? Array("null".utf8))
        }
        Self.writeLinks(job, to: &members)
    }

    /// Writes the shape. It is null until the headers of the arrays have arrived. Height and width are null if images have
    /// several sizes, or other dimensions than two, whose extents then are the space.
    static func write(_ shape: ScoreJob.Shape?, to members: inout JSONWriter.Members) {
        guard let shape else { return members.string("shape", nil) }
        members.object("shape") { members in
            members.integer("images", shape.imageCount)
            members.integer("classes", shape.classCount)
            members.integer("height", shape.height)
            members.integer("width", shape.width)
            if let space = shape.space, shape.height == nil { members.integers("space", space) }
        }
    }

    /// Writes links to the resources that the job has now.
    static func writeLinks(_ job: Job<ScoreJob>, to members: inout JSONWriter.Members) {
        let parameters = job.details.parameters
        members.object("links") { members in
            let base = "/jobs/\(job.id)"
            members.string("self", base)
            if !job.status.isFinal { members.string("events", "\(base)/events") }
            if job.status == .open {
                members.string("batches", "\(base)/batches")
                members.string("finish", "\(base)/finish")
            }
            if case .available(let scores) = job.output {
                let findings = scores.statistics == nil ? [] : ["label_issues", "statistics"]
                let names = job.details.names == nil ? [] : ["names"]
                let regions = scores.hasRegions ? ["regions", "decisions", "mended"] : []
                let summary = scores.hasPredicted ? ["predicted", "summary"] : []
                let resources =
                    ["image_scores", "pixel_scores", "issues", "labels"] + findings + names + ["ranking", "keep"]
                let images = parameters.images == nil && scores.pictures.isEmpty ? [] : ["images"]
                for resource in resources + regions + summary + images {
                    members.string(resource, "\(base)/\(resource)")
                }
            }
            if !job.status.isFinal {
                members.string("cancel", "\(base)/cancel")
            }
        }
    }

    /// A time as RFC 3339 writes it, in UTC, to the millisecond.
    private static func text(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
