package import DatasetScoring
package import Scoring
import Tensors

/// The images of one body, as a job has them.
package enum JobPart: Sendable {
    /// Scored already, where an image's score is its own affair.
    case scored(SegmentationScores)
    /// Waiting for the job's other images.
    case waiting(ScoredPixels)
    /// In files.
    case stored(StoredPart)

    package var shape: ScoringShape {
        switch self {
        case .scored(let scores): scores.shape
        case .waiting(let pixels): pixels.shape
        case .stored(let part): part.contents.shape
        }
    }

    /// What there is to note of the arrays, where the part is in files.
    package var notes: InputNotes {
        guard case .stored(let part) = self else { return InputNotes() }
        return part.notes ?? InputNotes()
    }

    /// Whether scores are float64.
    package var hasFloat64: Bool {
        switch self {
        case .scored(let scores): scores.pixelScores.elementType.scalar == .float64
        case .waiting(let pixels): pixels.elementType.scalar == .float64
        case .stored(let part): part.contents.hasFloat64
        }
    }

    /// The memory that the arrays take, or the room on the disk.
    package var byteCount: Int {
        switch self {
        case .scored(let scores): scores.byteCount
        case .waiting(let pixels): pixels.byteCount
        case .stored(let part): part.contents.byteCount
        }
    }
}
