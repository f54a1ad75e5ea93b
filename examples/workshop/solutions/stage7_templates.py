# flake8: noqa: F811, F821
import jinja2

def render_template(template_name, /, **context):
    def fill(gap):
        first, *steps = gap[1].split(".")                                       # 7.1
        value = context[first]
        for step in steps:
            value = getattr(value, step) if hasattr(value, step) else value[step]
        return escape(str(value))
    return re.sub(r"{{ *([\w.]+) *}}", fill, templates[template_name])

jinja_env = jinja2.Environment(loader=jinja2.DictLoader(templates), autoescape=True)
jinja_env.globals["request"] = request

def render_template_string(source, /, **context):                               # 7.2
    return jinja_env.from_string(source).render(context)
