import Memory

/// The labels of all pixels, in the smallest type that holds them.
///
/// `labels` may come before K is known, so that only ``check(image:classCount:ignoredLabel:)`` proves that each is a
/// class or ignored.
package struct LabelMap: Sendable {
    /// A value that no code can hold, and the first pixel that has it.
    struct Other: Codable, Equatable, Sendable {
        let value: LabelValue
        let pixel: Int
    }

    /// `(N, H, W)`, each at least 1.
    package let shape: [Int]
    private(set) var codes: ClassCodes

    /// The first two different values that no code can hold, each with the first pixel in file order that has it: one
    /// of them may be the label to ignore, two cannot.
    let others: [Other]

    /// The same labels, in codes that can hold every class below `classCount` as well, and of which all ones is no
    /// class.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    func holding(classCount: Int) throws(ScoringError) -> LabelMap {
        var map = self
        if classCount > UInt8.max { map.codes = try codes.widened() }
        return map
    }

    /// The code of the pixels that take no part; -1 if the codes hold no such label.
    func code(ofIgnored label: Int64?) -> Int32 {
        guard let label else { return -1 }
        if others.contains(where: { $0.value == .integer(label) }) { return Int32(ClassCodes.other) }
        return (0...Int64(codes.largestLabel)).contains(label) ? Int32(label) : -1
    }

    /// How many pixels of an image take part.
    func countKept(image: Int, ignored: Int32) -> Int {
        let plane = shape[1] * shape[2]
        guard ignored >= 0 else { return plane }
        return plane - Kernels.count(codes, image * plane..<(image + 1) * plane, of: Int(ignored))
    }

    /// Proves that every label of an image is a class or ignored; once all images passed, all labels are.
    ///
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` for the first pixel that has another label. If
    ///   several values that no code can hold came in Fortran order, it may be for a later pixel, and one of another
    ///   image.
    func check(image: Int, classCount: Int, ignoredLabel: Int64?) throws(ScoringError) {
        let plane = shape[1] * shape[2]
        let pixels = image * plane..<(image + 1) * plane
        let ignored = code(ofIgnored: ignoredLabel)
        var bad = Kernels.firstLabelOutside(codes, pixels, classCount: classCount, ignored: ignored)
            .map { label(at: $0) }
        // If the ignored label is a value that no code can hold, the kernel takes every other such value for ignored
        // too.
        if ignored == Int32(ClassCodes.other),
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
    /// - Returns: The label and the pixel. If the code does not tell which of ``others`` the pixel has, it is one of
    ///   them.
    private func label(at pixel: Int) -> Other {
        switch codes {
        case .narrow(let labels): Other(value: .integer(Int64(labels.span[pixel])), pixel: pixel)
        case .wide(let labels) where labels.span[pixel] < ClassCodes.other:
            Other(value: .integer(Int64(labels.span[pixel])), pixel: pixel)
        case .wide:
            if others.count == 1 {
                Other(value: others[0].value, pixel: pixel)
            } else {
                // There are no others if a file was changed, so that it holds codes that were never written.
                others.first { $0.pixel == pixel } ?? others.first
                    ?? Other(value: .integer(Int64(ClassCodes.other)), pixel: pixel)
            }
        }
    }
}

extension ClassCodes {
    /// The same codes in two bytes each.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    fileprivate func widened() throws(ScoringError) -> ClassCodes {
        guard case .narrow(let codes) = self else { return self }
        let wide: Buffer<UInt16> = try allocate(codes.count, isZeroed: false)
        Kernels.widen(codes, into: wide)
        return .wide(wide)
    }
}
