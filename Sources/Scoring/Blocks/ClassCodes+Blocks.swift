import Memory

extension ClassCodes {
    /// Whether all codes are below a number.
    package func areBelow(_ limit: Int) -> Bool {
        Kernels.firstLabelOutside(self, 0..<count, classCount: limit, ignored: -1) == nil
    }

    /// The same codes in the smallest type that holds all classes and, beside them, all ones.
    ///
    /// - Parameters:
    ///   - ignored: The code that becomes all ones; -1 for none. Codes that are no class become so too.
    /// - Throws: ``ScoringError/memory(_:)``.
    func fitting(_ classCount: Int, ignored: Int32 = -1) throws(ScoringError) -> ClassCodes {
        let allOnes = classCount > UInt8.max ? Int(UInt16.max) : Int(UInt8.max)
        let isWide = allOnes > UInt8.max
        guard isWide != self.isWide || (0..<Int32(allOnes)).contains(ignored) else { return self }
        let entries: Buffer<UInt32> = try allocate(1 << (self.isWide ? 16 : 8), isZeroed: false)
        entries.withMutableSpan { span in
            for code in span.indices { span[code] = UInt32(code < classCount && code != ignored ? code : allOnes) }
        }
        let codes = try ClassCodes(count: count, isWide: isWide)
        let all = ElementRuns.Run(classIndex: 0, firstPixel: 0, stride: 1, count: count)
        _ = Kernels.map(self, all, by: entries, into: codes)
        return codes
    }
}
