import Jobs
package import Scoring

/// What the queue's jobs carry: every scoring request is one.
package enum ScoreJob: JobKind {
    /// What was asked for; the parameters are settled once the body is in, the shape with its second header.
    package struct Details: Sendable {
        package internal(set) var parameters: ScoreParameters
        package internal(set) var shape: ScoringShape?
    }

    package typealias Output = SegmentationScores
    package typealias Failure = Problem
}

extension SegmentationScores: JobOutput {}
