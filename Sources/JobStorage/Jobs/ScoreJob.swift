package import DatasetScoring
import Jobs
package import Scoring
package import WebService

/// What the queue's jobs carry: every scoring request is one.
package enum ScoreJob: JobKind {
    /// What was asked for. The parameters are settled once the body is in, and the shape with the header of its second
    /// array.
    package struct Details: Sendable {
        package var parameters: ScoreParameters
        package var shape: Shape?
        /// Whose job it is; nil if its caller needed no key.
        package let owner: JobOwner?
        package var notes: InputNotes
        /// What the images are called; nil if they have no names.
        package var names: ImageNames?

        package init(
            parameters: ScoreParameters, shape: Shape? = nil, owner: JobOwner?, notes: InputNotes = InputNotes(),
            names: ImageNames? = nil
        ) {
            self.parameters = parameters
            self.shape = shape
            self.owner = owner
            self.notes = notes
            self.names = names
        }
    }

    /// The extents of all images.
    package struct Shape: Codable, Equatable, Sendable {
        package private(set) var imageCount: Int
        package let classCount: Int
        /// Nil, as is `width`, if images are of several sizes.
        package private(set) var height: Int?
        package private(set) var width: Int?
        package private(set) var pixelCount: Int

        package init(_ shape: ScoringShape) {
            (imageCount, classCount, height, width) = (shape.imageCount, shape.classCount, shape.height, shape.width)
            pixelCount = shape.pixelCount
        }

        /// The extents of the images of several bodies; nil if there is none.
        package init?(_ shapes: [ScoringShape]) {
            guard let first = shapes.first else { return nil }
            self.init(first)
            for shape in shapes.dropFirst() { add(shape) }
        }

        /// Adds images of as many classes.
        package mutating func add(_ other: ScoringShape) {
            imageCount += other.imageCount
            pixelCount += other.pixelCount
            if height != other.height || width != other.width { (height, width) = (nil, nil) }
        }
    }

    package typealias Part = JobPart
    package typealias Output = JobResults
    package typealias Failure = Problem
    package typealias Key = RequestKey
    package typealias Fingerprint = RequestFingerprint
}
