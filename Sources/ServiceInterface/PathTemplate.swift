/// The path of an endpoint, with names in braces for the parts that vary. Metrics count requests by it.
package struct PathTemplate: Hashable, Sendable {
    /// A small number that only this template has. Templates are compared by it, since comparing their texts for each
    /// request would cost more.
    package let number: Int

    /// The template as people read it, such as `/jobs/{id}`.
    package let text: String

    /// Creates a template.
    ///
    /// - Parameters:
    ///   - number: A number that no other template has.
    ///   - text: The template as people read it.
    package init(number: Int, text: String) {
        self.number = number
        self.text = text
    }

    package static func == (a: PathTemplate, b: PathTemplate) -> Bool { a.number == b.number }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(number)
    }
}
