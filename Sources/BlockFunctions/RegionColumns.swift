import DatasetScoring
import Memory
import Scoring
import WebService

/// The regions of a block as two tables, one of whole numbers and one of float64, a row for each region.
struct RegionColumns {
    private let whole: Buffer<Int64>
    private let real: Buffer<Double>
    private let rowCount: Int
    private let rank: Int

    /// The whole numbers of a region, ahead of those of its slice.
    private static let wholeCount = 10

    /// - Parameter shape: The shape of the labels that have the regions.
    /// - Throws: A 503 problem if memory is short.
    init(_ regions: Regions, of shape: LabelShape) throws(Problem) {
        let all = regions.all
        (rowCount, rank) = (all.count, max(shape.space.count - 2, 0))
        let columns = Self.wholeCount + rank
        do throws(MemoryError) {
            whole = try Buffer(uninitialized: rowCount * columns)
            real = try Buffer(uninitialized: rowCount * 3)
        } catch {
            throw Problem(error)
        }
        for row in 0..<rowCount {
            let document = RegionDocument(all.span[row], in: shape, nil)
            let values = document.wholeNumbers
            whole.withMutableSpan { span in
                for index in values.indices { span[row * columns + index] = Int64(values[index]) }
            }
            let means = document.numbers
            real.withMutableSpan { span in
                for index in means.indices { span[row * 3 + index] = means[index] }
            }
        }
    }

    var arrays: [MadeArray] {
        [
            MadeArray("whole_numbers", .int64, [rowCount, Self.wholeCount + rank], whole),
            MadeArray("numbers", .float64, [rowCount, 3], real),
        ]
    }
}
