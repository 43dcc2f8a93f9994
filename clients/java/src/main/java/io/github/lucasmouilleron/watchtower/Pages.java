package io.github.lucasmouilleron.watchtower;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/** What a list has, page by page as it is needed. Each iterator asks anew. */
abstract class Pages<T> implements Iterable<T> {
    private final Connection connection;
    private final String path;
    private final String name;
    private final Map<String, Object> query;

    Pages(Connection connection, String path, String name, Filter filter) {
        this.connection = connection;
        this.path = path;
        this.name = name;
        this.query = filter.fields();
    }

    abstract T item(Map<String, Object> fields);

    @Override
    public Iterator<T> iterator() {
        return new Iterator<T>() {
            private Iterator<Object> page;
            private Object next;

            @Override
            public boolean hasNext() {
                // A page may be empty and not be the last.
                while (page == null || (!page.hasNext() && next instanceof String)) turn();
                return page.hasNext();
            }

            @Override
            public T next() {
                if (!hasNext()) throw new NoSuchElementException();
                return item(Answers.object(page.next(), name));
            }

            @Override
            public void remove() {
                throw new UnsupportedOperationException();
            }

            private void turn() {
                Map<String, Object> asked = new LinkedHashMap<String, Object>(query);
                asked.put("cursor", next);
                Map<String, Object> answer = connection.request("GET", path, asked, null);
                List<Object> items = Answers.list(answer, name);
                next = answer.get("next");
                page = items.iterator();
            }
        };
    }
}
