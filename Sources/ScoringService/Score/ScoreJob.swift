package import DatasetScoring
import Jobs
import Scoring
package import WebService

/// What the queue's jobs carry: every scoring request is one.
package enum ScoreJob: JobKind {
    /// What was asked for; the parameters are settled once the body is in, the shape with its second header.
    package struct Details: Sendable {
        package internal(set) var parameters: ScoreParameters
        var shape: Shape?
        /// Nil where it was made by who needed no key.
        let owner: JobOwner?
        var notes = InputNotes()
    }

    /// The extents of all images.
    struct Shape: Codable, Equatable, Sendable {
        private(set) var imageCount: Int
        let classCount: Int
        /// Nil, as is `width`, where images are of several sizes.
        private(set) var height: Int?
        private(set) var width: Int?
        private(set) var pixelCount: Int

        init(_ shape: ScoringShape) {
            (imageCount, classCount, height, width) = (shape.imageCount, shape.classCount, shape.height, shape.width)
            pixelCount = shape.pixelCount
        }

        /// The extents of the images of several bodies; nil where there is none.
        init?(_ shapes: [ScoringShape]) {
            guard let first = shapes.first else { return nil }
            self.init(first)
            for shape in shapes.dropFirst() { add(shape) }
        }

        /// Adds images of as many classes.
        mutating func add(_ other: ScoringShape) {
            imageCount += other.imageCount
            pixelCount += other.pixelCount
            if height != other.height || width != other.width { (height, width) = (nil, nil) }
        }
    }

    package typealias Output = JobResults
    package typealias Failure = Problem
}
