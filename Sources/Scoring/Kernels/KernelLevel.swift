import CScoringKernels
import Synchronization

/// A level of processors that the loops over pixels are compiled for. The best one that this processor can run is in
/// use, unless another was chosen.
///
/// `@unchecked Sendable`: the table of loops is constant.
@safe
package struct KernelLevel: Equatable, @unchecked Sendable, CustomStringConvertible {
    /// `plain`, `vector`, `avx2` or `avx512`.
    package let description: String
    let loops: segscore_kernels

    /// All levels that this processor can run, from `plain`, which is the definition, to the best.
    package static let available: [KernelLevel] = {
        var levels: [KernelLevel] = []
        while let loops = unsafe segscore_kernels_at(levels.count) {
            levels.append(unsafe KernelLevel(description: String(cString: loops.pointee.name), loops: loops.pointee))
        }
        return levels
    }()

    private static let chosen = Atomic<Int>(available.count - 1)

    /// The level that all work uses. All levels give the same results, except for the last bits of softmin.
    package static var current: KernelLevel { available[chosen.load(ordering: .relaxed)] }

    /// Has all work use another level from now on.
    package static func use(_ level: KernelLevel) {
        guard let index = available.firstIndex(of: level) else {
            preconditionFailure("a level is one of those available")
        }
        chosen.store(index, ordering: .relaxed)
    }

    package static func == (first: KernelLevel, second: KernelLevel) -> Bool {
        first.description == second.description
    }
}
