/// What requests are counted by: the path of a route, with names in braces for what varies.
package struct PathTemplate: Hashable, Sendable {
    /// Tells templates apart at no cost: a small number for each.
    package let number: Int

    /// For people, such as `/jobs/{id}`.
    package let text: String

    package init(number: Int, text: String) {
        self.number = number
        self.text = text
    }

    package static func == (a: PathTemplate, b: PathTemplate) -> Bool { a.number == b.number }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(number)
    }
}
