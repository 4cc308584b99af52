import Tensors

/// The labels of all pixels, in the smallest type that holds them.
///
/// `labels` come before K and `ignore_label` are known, so what they must be is checked by ``codeOfIgnored(_:)`` and
/// ``check(classCount:ignored:)`` once these are.
package struct LabelMap: Sendable {
    /// The labels as they are kept.
    enum Codes: Sendable {
        case narrow(Buffer<UInt8>)
        case wide(Buffer<UInt16>)
    }

    /// A value that no code can hold, and the first pixel that has it.
    struct Other: Equatable, Sendable {
        let value: LabelValue
        let pixel: Int
    }

    /// Stands for a value that no code can hold. It is no class, since K is at most 65,535.
    static let otherCode: UInt16 = .max

    /// `(N, H, W)`, each at least 1.
    package let shape: [Int]
    let codes: Codes

    /// The first two different values that no code can hold: one of them may be the label to ignore, two cannot.
    let others: [Other]

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

    /// Proves that every label of an image is a class or ignored.
    ///
    /// - Parameters:
    ///   - ignored: As ``code(ofIgnored:)`` gives it.
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` for the first pixel that has another.
    func check(image: Int, classCount: Int, ignored: Int32) throws(ScoringError) {
        let plane = shape[1] * shape[2]
        guard
            let pixel = Kernels.firstLabelOutside(
                codes, image * plane..<(image + 1) * plane, classCount: classCount, ignored: ignored)
        else { return }
        throw .labelOutOfRange(
            value(at: pixel, ignored: ignored), at: .init(pixel: pixel, height: shape[1], width: shape[2]),
            classCount: classCount)
    }

    private func value(at pixel: Int, ignored: Int32) -> LabelValue {
        switch codes {
        case .narrow(let labels): .integer(Int64(labels.span[pixel]))
        case .wide(let labels):
            // Pixels come in order of index, so the first bad one is the first of its value, unless the array came
            // in Fortran order, where either of the two will do.
            if labels.span[pixel] == Self.otherCode {
                others.first { $0.pixel == pixel }?.value ?? others[others.count - 1].value
            } else {
                .integer(Int64(labels.span[pixel]))
            }
        }
    }
}
