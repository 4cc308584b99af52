package import DatasetScoring
import Files
import Scoring

/// The images of one body, as a job has them in the state directory.
package struct StoredPart: Codable, Equatable, Sendable {
    /// A number that names the part's files among the files of its job.
    package let file: Int

    /// What the file of the pixels holds.
    var contents: StoredPixels

    /// Whether there is a file of scores too.
    var isScored: Bool

    /// The checksums of the pixels' arrays; nil in parts that earlier versions wrote without them.
    var pixelChecksums: [Checksum]?

    /// The checksums of the scores' arrays; nil in parts that earlier versions wrote without them, and if there are no
    /// scores.
    var scoreChecksums: [Checksum]?

    /// The pictures of the images, in a file of their own; nil if there are none.
    var pictures: StoredPictures?

    /// What there was to note of a batch. The notes of a whole job are in its row.
    package var notes: InputNotes?

    init(file: Int, contents: StoredPixels, isScored: Bool) {
        self.file = file
        self.contents = contents
        self.isScored = isScored
    }

    /// The same part as it is once its job has ended.
    func scored(_ checksums: [Checksum]) -> StoredPart {
        var part = self
        part.isScored = true
        part.contents = contents.withoutBlocks
        part.pixelChecksums = pixelChecksums.map { Array($0.prefix(part.contents.sizes.count)) }
        part.scoreChecksums = checksums
        return part
    }
}
