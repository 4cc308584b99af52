import Memory

/// The labels of all pixels as classes, in the smallest type that holds them.
///
/// `labels` may come before K is known, so that only ``check(image:classCount:ignoredLabel:)`` proves that each is a
/// class or ignored.
package struct LabelMap: Sendable {
    /// A value that no code can hold, and the first pixel that has it.
    struct Other: Codable, Equatable, Sendable {
        let value: LabelValue
        let pixel: Int
    }

    package let shape: LabelShape
    private(set) var codes: ClassCodes

    /// The first two different values that no code can hold, each with the first pixel in file order that has it: one
    /// of them may be the label to ignore, two cannot.
    let others: [Other]

    /// The rule that has made classes of labels, and codes of all ones of those that it ignores; nil if labels are
    /// classes as they came.
    private(set) var rule: LabelRuleKind?

    /// The same labels, in codes that can hold every class below `classCount` as well, and of which all ones is no
    /// class.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    func holding(classCount: Int) throws(ScoringError) -> LabelMap {
        var map = self
        if classCount > UInt8.max { map.codes = try codes.widened(keepingAllOnes: rule != nil) }
        return map
    }

    /// The code of the pixels that take no part; -1 if the codes hold no such label.
    ///
    /// - Parameters:
    ///   - label: The label that is ignored if no rule has ignored any.
    func code(ofIgnored label: Int64?) -> Int32 {
        guard rule == nil else { return codes.isWide ? Int32(UInt16.max) : Int32(UInt8.max) }
        guard let label else { return -1 }
        if others.contains(where: { $0.value == .integer(label) }) { return Int32(ClassCodes.other) }
        return (0...Int64(codes.largestLabel)).contains(label) ? Int32(label) : -1
    }

    /// How many pixels of an image take part.
    func countKept(image: Int, ignored: Int32) -> Int {
        let plane = shape.pixelsPerImage
        guard ignored >= 0 else { return plane }
        return plane - Kernels.count(codes, image * plane..<(image + 1) * plane, of: Int(ignored))
    }

    /// Proves that every label of an image is a class or ignored; once all images passed, all labels are.
    ///
    /// - Throws: ``ScoringError/labelOutOfRange(_:at:classCount:)`` for the first pixel that has another label, or
    ///   ``ScoringError/mappedLabelOutOfRange(_:at:classCount:)`` if a rule has made a class of it. If several values that no code can hold came in Fortran order, it may be for a later pixel, and one of another
    ///   image.
    func check(image: Int, classCount: Int, ignoredLabel: Int64?) throws(ScoringError) {
        let plane = shape.pixelsPerImage
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
        let place = shape.position(of: bad.pixel)
        guard rule == nil || rule == .identity else {
            throw .mappedLabelOutOfRange(bad.value, at: place, classCount: classCount)
        }
        throw .labelOutOfRange(bad.value, at: place, classCount: classCount)
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
    /// - Parameters:
    ///   - keepingAllOnes: Whether a code of all ones stays one.
    /// - Throws: ``ScoringError/memory(_:)``.
    func widened(keepingAllOnes: Bool) throws(ScoringError) -> ClassCodes {
        guard case .narrow(let codes) = self else { return self }
        let wide: Buffer<UInt16> = try allocate(codes.count, isZeroed: false)
        guard keepingAllOnes else {
            Kernels.widen(codes, into: wide)
            return .wide(wide)
        }
        let entries: Buffer<UInt32> = try allocate(1 << 8, isZeroed: false)
        entries.withMutableSpan { span in
            for code in span.indices { span[code] = UInt32(code < UInt8.max ? code : Int(UInt16.max)) }
        }
        let all = ElementRuns.Run(classIndex: 0, firstPixel: 0, stride: 1, count: codes.count)
        _ = Kernels.map(self, all, by: entries, into: .wide(wide))
        return .wide(wide)
    }
}
