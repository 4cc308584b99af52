import Memory
import Scoring
import Synchronization
import WebService

/// The regions of a job, and the orders in which they were asked for.
final class FoundRegions: Sendable {
    let kind: RegionKind
    let regions: Regions
    private let orders = Mutex<[RegionOrder: Buffer<UInt32>]>([:])

    init(_ kind: RegionKind, _ regions: Regions) {
        self.kind = kind
        self.regions = regions
    }

    /// The memory that the regions take, with one order.
    var byteCount: Int { regions.all.byteCount + regions.all.count * MemoryLayout<UInt32>.stride }

    /// The places of the regions in an order.
    ///
    /// - Throws: A 503 problem if memory is short.
    func places(by order: RegionOrder) throws(Problem) -> Buffer<UInt32> {
        if let known = orders.withLock({ $0[order] }) { return known }
        do throws(ScoringError) {
            let places = try regions.places(by: order)
            orders.withLock { $0[order] = places }
            return places
        } catch {
            throw Problem(error)
        }
    }
}
