import CSockets
import Glibc

/// The descriptors that the process may have open.
enum DescriptorTable {
    /// How many are left to what is no connection, such as files of requests that are under way.
    static let reserve: Int32 = 32

    /// Whether one more connection leaves the reserve alone. The system gives the lowest number that is free, so that
    /// one near the limit says that nearly all below are taken.
    ///
    /// - Parameter limit: Nil for none.
    static func hasRoom(below limit: Int?) -> Bool {
        guard let limit else { return true }
        let probe = segscore_hang_ups_new()
        guard probe >= 0 else { return false }
        close(probe)
        return Int(probe) < limit - Int(reserve)
    }
}
