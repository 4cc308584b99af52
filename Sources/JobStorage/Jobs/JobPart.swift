package import DatasetScoring
import Memory
package import Scoring

/// The images of one body, as a job has them, with what is known of the request that brought them.
package struct JobPart: Sendable {
    package enum Images: Sendable {
        /// Scored already, if an image's score depends on no other image.
        case scored(SegmentationScores)
        /// Waiting for the job's other images.
        case waiting(ScoredPixels)
        /// In files of the state directory.
        case stored(StoredPart)
    }

    package var images: Images

    /// The pictures of the images; nil if they came without.
    package var pictures: KeptPictures?

    /// What there is to note of a batch; those of a body that is a whole job are in the job's details.
    package var notes: InputNotes

    /// The `Idempotency-Key` that a batch came with.
    package var key: String?

    /// What the batch's request is told by from others of the same key; nil without a key, and in what earlier versions
    /// wrote.
    package var fingerprint: RequestFingerprint?

    package init(
        _ images: Images, pictures: KeptPictures? = nil, notes: InputNotes = InputNotes(), key: String? = nil,
        _ fingerprint: RequestFingerprint? = nil
    ) {
        self.images = images
        self.pictures = pictures
        self.notes = notes
        self.key = key
        self.fingerprint = fingerprint
    }

    package var shape: ScoringShape {
        switch images {
        case .scored(let scores): scores.shape
        case .waiting(let pixels): pixels.shape
        case .stored(let part): part.contents.shape
        }
    }

    /// Whether scores are float64.
    package var hasFloat64: Bool {
        switch images {
        case .scored(let scores): scores.pixelScores.elementType.scalar == .float64
        case .waiting(let pixels): pixels.elementType.scalar == .float64
        case .stored(let part): part.contents.hasFloat64
        }
    }

    /// The memory that the arrays and the pictures take, or the room on the disk, in bytes.
    package var byteCount: Int {
        let arrays =
            switch images {
            case .scored(let scores): scores.byteCount
            case .waiting(let pixels): pixels.byteCount
            case .stored(let part): part.contents.byteCount
            }
        return arrays + (pictures?.byteCount ?? 0)
    }

    /// The part in files; nil in memory.
    package var stored: StoredPart? {
        guard case .stored(let part) = images else { return nil }
        return part
    }
}
