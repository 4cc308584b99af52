import Tensors

/// The labels of all pixels, in the smallest type that holds them.
///
/// `labels` come before K and `ignore_label` are known, so what they must be is checked by
/// ``check(image:classCount:ignoredLabel:)`` once these are.
package struct LabelMap: Sendable {
    /// A value that no code can hold, and the first pixel that has it.
    struct Other: Codable, Equatable, Sendable {
        let value: LabelValue
        let pixel: Int
    }

    /// Stands for a value that no code can hold. It is no class, since K is at most 65,535.
    static let otherCode: UInt16 = .max

    /// `(N, H, W)`, each at least 1.
    package let shape: [Int]
    private(set) var codes: ClassCodes

    /// The first two different values that no code can hold, each with the first pixel in file order that has it: one
    /// of them may be the label to ignore, two cannot.
    let others: [Other]

    /// The same labels, with codes that also hold every class below `classCount` and leave one byte or two of all ones to
    /// mean none of them.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    func holding(classCount: Int) throws(ScoringError) -> LabelMap {
        var map = self
        if classCount > UInt8.max { map.codes = try codes.widened() }
        return map
    }

    /// The code of the pixels that take no part; -1 where no pixel has such a label.
    func code(ofIgnored label: Int64?) -> Int32 {
        guard let label else { return -1 }
        if others.contains(where: { $0.value == .integer(label) }) { return Int32(Self.otherCode) }
        let limit =
            switch codes {
            case .narrow: Int64(UInt8.max)
            case .wide: Int64(Self.otherCode) - 1
            }
        return (0...limit).contains(label) ? Int32(label) : -1
    }

    /// How many pixels of an image take part.
    func countKept(image: Int, ignored: Int32) -> Int {
        let plane = shape[1] * shape[2]
        guard ignored >= 0 else { return plane }
        return plane - Kernels.count(codes, image * plane..<(image + 1) * plane, of: Int(ignored))
    }

    /// Proves that every label of an image is a class or ignored; once all images passed, all labels are.
    ///
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` for the first pixel that has another label. Where
    ///   several values that no code can hold came in Fortran order, it may be a later one, and of another image.
    func check(image: Int, classCount: Int, ignoredLabel: Int64?) throws(ScoringError) {
        let plane = shape[1] * shape[2]
        let pixels = image * plane..<(image + 1) * plane
        let ignored = code(ofIgnored: ignoredLabel)
        var bad = Kernels.firstLabelOutside(codes, pixels, classCount: classCount, ignored: ignored)
            .map { label(at: $0) }
        // The kernel takes the value that shares its code with the ignored one for ignored too.
        if ignored == Int32(Self.otherCode),
            let other = others.first(where: { $0.value != ignoredLabel.map { .integer($0) } }),
            pixels.contains(other.pixel), other.pixel < bad?.pixel ?? .max
        {
            bad = other
        }
        guard let bad else { return }
        throw .labelOutOfRange(
            bad.value, at: .init(pixel: bad.pixel, height: shape[1], width: shape[2]), classCount: classCount)
    }

    /// The label of a pixel that is not ignored.
    ///
    /// - Returns: One of ``others`` where the code does not tell which value the pixel has.
    private func label(at pixel: Int) -> Other {
        switch codes {
        case .narrow(let labels): Other(value: .integer(Int64(labels.span[pixel])), pixel: pixel)
        case .wide(let labels) where labels.span[pixel] < Self.otherCode:
            Other(value: .integer(Int64(labels.span[pixel])), pixel: pixel)
        case .wide:
            if others.count == 1 {
                Other(value: others[0].value, pixel: pixel)
            } else {
                // None there is where a file holds codes that nobody wrote.
                others.first { $0.pixel == pixel } ?? others.first
                    ?? Other(value: .integer(Int64(Self.otherCode)), pixel: pixel)
            }
        }
    }
}
