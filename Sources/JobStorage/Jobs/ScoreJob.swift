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
        /// What the images are called that came as files of folders; nil for others.
        package var folderNames: NameList?

        /// What the images are called; nil if they have no names.
        package var names: NameList? { folderNames ?? parameters.names.images }

        package init(
            parameters: ScoreParameters, shape: Shape? = nil, owner: JobOwner?, notes: InputNotes = InputNotes(),
            folderNames: NameList? = nil
        ) {
            self.parameters = parameters
            self.shape = shape
            self.owner = owner
            self.notes = notes
            self.folderNames = folderNames
        }
    }

    /// The extents of all images.
    package struct Shape: Codable, Equatable, Sendable {
        package private(set) var imageCount: Int
        package let classCount: Int
        /// Nil, as is `width`, if images are of several sizes or of other dimensions than two.
        package private(set) var height: Int?
        package private(set) var width: Int?
        package private(set) var pixelCount: Int
        /// The extents of an image of other dimensions than two; nil if images are of several sizes.
        private var volume: [Int]?

        /// The extents of an image; nil if images are of several sizes.
        package var space: [Int]? {
            if let volume { return volume }
            guard let height, let width else { return nil }
            return [height, width]
        }

        package init(_ shape: ScoringShape) {
            (imageCount, classCount, pixelCount) = (shape.imageCount, shape.classCount, shape.pixelCount)
            if shape.labels.space.count == 2 {
                (height, width) = (shape.height, shape.width)
            } else {
                volume = shape.labels.space
            }
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
            if space != other.labels.space { (height, width, volume) = (nil, nil, nil) }
        }
    }

    package typealias Part = JobPart
    package typealias Output = JobResults
    package typealias Failure = Problem
    package typealias Key = RequestKey
    package typealias Fingerprint = RequestFingerprint
    package typealias Remark = Decision
}
