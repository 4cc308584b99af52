/// Writes a comma ahead of every element of a list but the first.
struct Separator {
    private var isFirst = true

    mutating func write(to text: inout [UInt8]) {
        if !isFirst { text.append(UInt8(ascii: ",")) }
        isFirst = false
    }
}
