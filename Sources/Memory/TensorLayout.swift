/// What an array's header says of the bytes that follow it: element type, extents and order.
///
/// A layout that exists has a shape whose product, in elements and in bytes, fits an `Int`.
package struct TensorLayout: Equatable, Sendable {
    /// The order in which the elements follow one another.
    package enum Order: Sendable {
        /// The last index moves fastest.
        case c
        /// The first index moves fastest.
        case fortran
    }

    package let elementType: ElementType
    package let shape: [Int]
    package let order: Order

    /// The number of elements: the product of the extents, 1 for a scalar.
    package let elementCount: Int

    /// The size of the whole array, in bytes.
    package var byteCount: Int { elementCount * elementType.scalar.byteCount }

    /// - Parameters:
    ///   - shape: The extents, which may be anything that came from outside.
    ///   - order: The order of the elements, which makes no difference to an array of fewer than two dimensions.
    /// - Throws: ``MemoryError/negativeExtent(shape:)``, or ``MemoryError/tooLarge(shape:)`` if the product does
    ///   not fit.
    package init(elementType: ElementType, shape: [Int], order: Order = .c) throws(MemoryError) {
        guard shape.allSatisfy({ $0 >= 0 }) else { throw .negativeExtent(shape: shape) }
        var count = 1
        // Extents of zero are left out of the product, so that an empty array with an absurd extent is refused too.
        for extent in shape where extent > 0 {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw .tooLarge(shape: shape) }
            count = product
        }
        guard !count.multipliedReportingOverflow(by: elementType.scalar.byteCount).overflow else {
            throw .tooLarge(shape: shape)
        }
        self.elementType = elementType
        self.shape = shape
        self.order = order
        self.elementCount = shape.contains(0) ? 0 : count
    }
}
