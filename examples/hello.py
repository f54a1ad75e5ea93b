from microflask import Flask

app = Flask(__name__)

@app.route("/")
def hello():
    return "Hello! This whole framework is one file.\n"

if __name__ == "__main__":
    app.run()
