import CSockets
import Glibc

/// The descriptors that the process may have open.
enum DescriptorTable {
    /// How many descriptors connections leave to other uses, such as the files of requests that are under way.
    static let reserve: Int32 = 32

    /// Whether one more connection leaves the reserve free. The system gives the lowest free number, so a number near
    /// the limit means that nearly all below it are taken.
    ///
    /// - Parameter limit: The number that descriptors stay below; nil if there is no limit.
    static func hasRoom(below limit: Int?) -> Bool {
        guard let limit else { return true }
        let probe = segscore_hang_ups_new()
        guard probe >= 0 else { return false }
        close(probe)
        return Int(probe) < limit - Int(reserve)
    }
}
