import Files
import Memory
import Scoring
import Synchronization
import WebService

/// The regions of images that are scored by the command line: a CSV file, as `GET /jobs/{id}/regions` answers it.
final class RegionTable: Sendable {
    /// The regions of some images of one size.
    private struct Found {
        let regions: Regions
        let shape: LabelShape
    }

    private let path: String
    private let folder: OutputFolder
    private let name: String
    private let parameters: ScoreParameters
    private let names: NameList?
    private let found = Mutex<[Found]>([])

    /// Makes the directory of the file.
    ///
    /// - Parameters:
    ///   - path: The path of the file. One that is there is replaced.
    ///   - names: What the images are called, if they have names.
    /// - Throws: A problem if the directory cannot be made.
    init(_ path: String, _ names: NameList?, _ parameters: ScoreParameters) throws(Problem) {
        let slash = path.lastIndex(of: "/")
        name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        guard !name.isEmpty, name != ".", name != ".." else {
            throw .invalidParameter("regions", expected: "the path of a file", actual: path)
        }
        (self.path, self.names, self.parameters) = (path, names, parameters)
        do throws(FileError) {
            folder = try OutputFolder(path: slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
        } catch {
            throw Problem(error)
        }
    }

    /// Finds the regions of some images of the data set.
    ///
    /// - Parameter firstImage: The number of the first of them among all images.
    /// - Throws: A 404 problem if the scores have no regions; 503 if memory is short.
    func add(_ scores: SegmentationScores, from firstImage: Int, on loop: ImageLoop = .serial) throws(Problem) {
        let images = DatasetScores([scores])
        try images.requireRegions()
        let kind = RegionKind(of: images, threshold: parameters.threshold)
        do throws(ScoringError) {
            let regions = try Regions(
                of: kind, in: images, ignoredLabel: parameters.labels.ignoredLabel, from: firstImage, on: loop)
            guard let regions else { preconditionFailure("nothing ends the search") }
            found.withLock { $0.append(Found(regions: regions, shape: scores.shape.labels)) }
        } catch {
            throw Problem(error)
        }
    }

    /// Writes the regions of all images, in the order of their mass.
    ///
    /// - Returns: The path of the file.
    /// - Throws: A problem if the file cannot be written; 503 if memory is short.
    func write() throws(Problem) -> String {
        let found = found.withLock { $0 }
        let count = found.reduce(0) { $0 + $1.regions.all.count }
        do throws(FileError) {
            let pieces = try FileError.wrapping { () throws(MemoryError) in
                // Sorting needs half as much again.
                let sorting = try ByteReservation(count * MemoryLayout<(Region, Int)>.stride * 3 / 2)
                defer { withExtendedLifetime(sorting) {} }
                return try lines(of: found)
            }
            try folder.write(name, pieces)
        } catch {
            throw Problem(error)
        }
        return path
    }

    /// The file's bytes, in pieces.
    private func lines(
        of found: [Found]
    ) throws(MemoryError) -> [(owner: any StableBytes, range: Range<Int>)] {
        var regions: [(region: Region, place: Int)] = []
        for (place, found) in found.enumerated() {
            let all = found.regions.all.span
            for index in all.indices { regions.append((all[index], place)) }
        }
        regions.sort { RegionOrder.mass.isAhead($0.region, of: $1.region) }
        var pieces: [(owner: any StableBytes, range: Range<Int>)] = []
        var text = Array((RegionDocument.header + "\r\n").utf8)
        for (index, (region, place)) in regions.enumerated() {
            text += RegionDocument(region, in: found[place].shape, names).line.utf8
            guard text.count >= Self.bytesOfAPiece, index < regions.count - 1 else { continue }
            pieces.append((try Buffer(text), 0..<text.count))
            text.removeAll(keepingCapacity: true)
        }
        pieces.append((try Buffer(text), 0..<text.count))
        return pieces
    }

    /// About how long the pieces are, in bytes.
    private static let bytesOfAPiece = 1 << 20
}
