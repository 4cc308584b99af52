import Memory
import Testing

@Suite struct ElementTypeTests {
    /// NumPy's names end in the number of bits; `bool` has a byte.
    @Test(arguments: ElementType.Scalar.allCases) func hasTheSizeInItsName(scalar: ElementType.Scalar) {
        let bits = Int(scalar.rawValue.drop { !$0.isNumber }) ?? 8
        #expect(8 * scalar.byteCount == bits)
        #expect(scalar.isFloatingPoint == scalar.rawValue.contains("float"))
    }

    @Test(arguments: ElementType.Scalar.allCases) func hasAByteOrderWhereThereAreSeveralBytes(
        scalar: ElementType.Scalar
    ) {
        #expect(ElementType(scalar, isByteSwapped: true).isByteSwapped == (scalar.byteCount > 1))
        #expect(!ElementType(scalar).isByteSwapped)
    }
}
